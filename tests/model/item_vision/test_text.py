import keras
import numpy as np
import pytest
import tensorflow as tf

from services.item_vision.model.encoders import EncoderConfigurationError, load_text_encoder
from services.item_vision.model.text import ItemText, encode_items, weighted_sentences


@pytest.fixture(scope="module")
def packaged():
    return load_text_encoder("package")


def test_one_product_means_the_same_in_every_language(packaged):
    english, spanish, german, chinese, other = packaged.encode(
        ["red summer dress", "vestido rojo de verano", "rotes Sommerkleid", "红色夏季连衣裙", "coffee machine"]
    )
    assert min(english @ spanish, english @ german, english @ chinese) > 0.6
    assert english @ other < 0.4


def test_an_empty_sentence_is_zeros_and_the_rest_is_of_length_one(packaged):
    vectors = packaged.encode(["", "dress", "  "])
    assert vectors.shape == (3, packaged.width) == (3, 512)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [0, 1, 0], atol=1e-5)
    assert packaged.encode([]).shape == (0, 512)


def test_an_item_lies_near_what_it_is_whatever_its_language(packaged):
    items = [
        ItemText({"en": "Floral midi dress"}, "Aria", "Women/Dresses", {"colour": "red"}),
        ItemText({"es": "Vestido midi floral"}, "Aria", "Women/Dresses", {"colour": "red"}),
        ItemText({"en": "Ceramic coffee mug"}, "Hearth", "Home/Mugs", {"colour": "white"}),
        ItemText({}),
    ]
    vectors = encode_items(packaged, items)
    assert vectors[0] @ vectors[1] > 0.8 > 0.5 > vectors[0] @ vectors[2]
    assert not vectors[3].any()


def test_titles_share_one_weight_and_a_long_description_is_cut_between_words():
    item = ItemText(
        {"en": "Hat", "es": "Sombrero", "de": " "},
        "Aria",
        "Men/Hats",
        {"colour": "grey"},
        {"es": "corto", "en": "word " * 200},
    )
    sentences = dict(weighted_sentences(item))
    assert sentences["Hat"] == sentences["Sombrero"] == 0.5
    assert "Aria Men Hats grey" in sentences
    (description,) = [sentence for sentence in sentences if sentence.startswith("word")]
    assert 250 < len(description) <= 300
    assert description.endswith("word")


class CountingEncoder:
    encoder_name, width = "counting", 4

    def __init__(self):
        self.sentences = []

    def encode(self, sentences):
        self.sentences += sentences
        return np.ones((len(sentences), 4), np.float32)


def test_a_sentence_that_items_share_is_encoded_once():
    encoder = CountingEncoder()
    encode_items(encoder, [ItemText({"en": "Hat"}), ItemText({"en": "Hat", "fr": "Hat"})])
    assert encoder.sentences == ["Hat"]


def bag_of_words() -> keras.Model:
    keras.utils.set_random_seed(0)
    words = keras.layers.TextVectorization(vocabulary=["dress", "red", "mug"], output_mode="count")
    text = keras.Input((), dtype="string")
    return keras.Model(text, keras.layers.Dense(6, use_bias=False)(words(text)))


def test_any_keras_model_can_encode(tmp_path):
    model = bag_of_words()
    model.save(tmp_path / "words.keras")
    encoder = load_text_encoder(str(tmp_path / "words.keras"))
    assert encoder.width == 6
    assert encoder.encoder_name.startswith("words.keras@")
    expected = np.asarray(model(tf.constant(["red dress"])))
    vector = encoder.encode(["red dress", ""])
    np.testing.assert_allclose(vector[0], expected[0] / np.linalg.norm(expected), atol=1e-5)
    assert not vector[1].any()


def test_any_saved_model_can_encode(tmp_path):
    model = bag_of_words()
    model.export(tmp_path / "saved", verbose=False)
    encoder = load_text_encoder(str(tmp_path / "saved"))
    expected = np.asarray(model(tf.constant(["mug"])))
    np.testing.assert_allclose(encoder.encode(["mug"])[0], expected[0] / np.linalg.norm(expected), atol=1e-5)


def test_what_is_no_encoder_is_refused(tmp_path):
    with pytest.raises(EncoderConfigurationError, match="there is nothing"):
        load_text_encoder(str(tmp_path / "none"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(EncoderConfigurationError, match="empty"):
        load_text_encoder(str(tmp_path / "empty"))
