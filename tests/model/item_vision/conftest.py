"""What the tests of item_vision's models share."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest

from services.item_vision.model.encoders import ImageEncoderSettings, load_image_encoder


@pytest.fixture(scope="session")
def encoder():
    """EfficientNet-Lite0 with its real weights."""
    return load_image_encoder(ImageEncoderSettings())
