"""What item_vision can be told."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from services.item_vision.model.encoders import PACKAGED_TEXT_ENCODER, ImageEncoderSettings
from services.kit.settings import DatabaseSettings


def _pairs(value: Any) -> Any:
    if isinstance(value, str):
        return dict(pair.split("=", 1) for pair in value.split(",") if "=" in pair)
    return value


class ItemVisionSettings(DatabaseSettings):
    """Settings of item_vision, its server and its worker; read once at start from VITRINE_<FIELD>."""

    image_backbone: str = "efficientnet_lite0"
    """The picture encoder: "efficientnet_lite0", or "keras:<application>"."""
    image_weights_path: Path | None = None
    """Weights of a keras application; unset: the package's own."""
    text_encoder: str = PACKAGED_TEXT_ENCODER
    """The sentence encoder: "package", or the path of a saved one."""
    picture_folders: Annotated[dict[str, Path], NoDecode, BeforeValidator(_pairs)] = Field(default_factory=dict)
    """Where Picture.path is looked up: `shop=folder` pairs separated by commas. Other shops may not send paths."""
    picture_fetch_timeout_s: float = Field(default=10.0, gt=0, le=120)
    """How long getting one picture from its address may take."""
    watch_poll_s: float = Field(default=0.25, gt=0)
    """How often a watch looks for changes."""
    vectors_poll_s: float = Field(default=0.5, gt=0)
    """How often new features are taken into the vectors of loaded releases."""
    worker_batch_items: int = Field(default=32, ge=1, le=1_000)
    """Items with pictures that a worker takes at a time."""
    worker_wordy_batch_items: int = Field(default=1_000, ge=1, le=10_000)
    """Items without pictures that a worker takes beside them: only their words are encoded, a millisecond each."""
    worker_idle_s: float = Field(default=0.5, gt=0)
    """How long a worker rests when nothing waits."""
    worker_attempts: int = Field(default=4, ge=1, le=100)
    """After so many failures a job is given up and listed by GetFeatureProgress."""

    worker_lease_s: float = Field(default=120.0, gt=0)
    """A job of a worker that died is free again after this time; longer than a batch ever takes."""

    worker_niceness: int = Field(default=10, ge=0, le=19)
    """How far a worker stands behind the other processes of its machine where processors are short (`nice`): pages and
    imports go first. 0: not at all.
    """

    def image_encoder(self) -> ImageEncoderSettings:
        """What the picture encoder is loaded with."""
        return ImageEncoderSettings(backbone=self.image_backbone, weights_path=self.image_weights_path)
