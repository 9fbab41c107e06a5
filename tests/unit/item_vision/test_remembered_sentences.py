import numpy as np

from services.item_vision.model.encoders import normalise_rows
from services.item_vision.model.text_encoders import RememberingTextEncoder


class Counting:
    """Answers a vector a sentence and keeps what it was asked."""

    encoder_name = "counting@1"
    width = 3

    def __init__(self):
        self.asked = []

    def encode(self, sentences):
        assert sentences, "nothing is not asked"
        self.asked.append(list(sentences))
        return normalise_rows(np.array([[len(sentence), 1, 0] for sentence in sentences], np.float32))


def test_vectors_are_those_of_the_encoder_in_the_order_asked():
    counting = Counting()
    remembering = RememberingTextEncoder(counting)
    assert (remembering.encoder_name, remembering.width) == ("counting@1", 3)
    for sentences in (["tea", "milk", "tea"], ["butter", "milk"], ["milk"]):
        np.testing.assert_array_equal(remembering.encode(sentences), Counting().encode(sentences))
    assert counting.asked == [["tea", "milk"], ["butter"]]
    assert remembering.encode([]).shape == (0, 3)


def test_what_was_not_used_for_longest_is_forgotten_first():
    counting = Counting()
    remembering = RememberingTextEncoder(counting, most_sentences=2)
    remembering.encode(["tea", "milk"])
    remembering.encode(["tea"])
    remembering.encode(["butter"])
    remembering.encode(["tea", "milk"])
    assert counting.asked == [["tea", "milk"], ["butter"], ["milk"]]


def test_a_batch_larger_than_the_memory_is_answered_whole():
    remembering = RememberingTextEncoder(Counting(), most_sentences=2)
    sentences = ["a", "bb", "ccc", "dddd"]
    np.testing.assert_array_equal(remembering.encode(sentences), Counting().encode(sentences))
