"""What the fusion model is made of, as data. No TensorFlow: the release records it and reports read it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.ranker.model.choices import HistoryEncoderKind
from services.ranker.model.signature import CONTENT_SIZE


@dataclass(frozen=True)
class FusionInputs:
    """What the model may see; switching one off ablates it. The signature stays the same."""

    user_embedding: bool = True
    """z_u and its Hadamard products."""
    image: bool = True
    """The first 64 numbers of each item's content vector."""
    text: bool = True
    """The last 64 numbers of each item's content vector."""
    history: bool = True
    """Recent actions: encoder, attention by candidate, interest in the candidate's category."""
    attributes: bool = True
    """Category, brand and colour embeddings, and interest in the candidate's category."""
    context: bool = True
    """Device, time, region, language, referrer."""


@dataclass(frozen=True)
class FusionConfig:
    """Sizes and regularisation of the fusion model (the defaults score 300 candidates in about a millisecond)."""

    history_encoder: HistoryEncoderKind = "transformer"
    """How the recent actions are read: multi-head self-attention, LSTM or GRU."""
    inputs: FusionInputs = field(default_factory=FusionInputs)
    """What the model sees."""
    width: int = 64
    """Size of user, item and history vectors, which are multiplied with one another."""
    interests: int = 8
    """Groups of dimensions whose inner products go into the cross and dense layers; divides `width`."""
    heads: int = 2
    """Attention heads; divides `width`."""
    blocks: int = 1
    """Self-attention blocks of the transformer."""
    id_size: int = 16
    """Size of the trainable embedding an item has of its own; 0 leaves it out."""
    id_shards: int = 1
    """Variables that the items' own embeddings are split over: row r is in shard `r mod id_shards`."""
    sparse_ids: bool = False
    """A step regularises and updates the own embeddings that its batch names and no others (by row-wise AdaGrad), so
    that its cost does not grow with the catalogue. Otherwise every step moves them all, by Adam."""
    precomputed: bool = True
    """The vectors of known items are computed at export and looked up at serving; otherwise they are computed at each
    request, which a table too long for a second copy wants."""
    attribute_size: int = 8
    """Size of each category, brand and colour embedding."""
    cross_layers: int = 2
    """Cross layers (DCN-v2)."""
    cross_rank: int = 32
    """Rank of their matrices."""
    hidden: tuple[int, ...] = (64, 32)
    """Dense layers beside the cross layers."""
    dropout: float = 0.1
    """Share of hidden units dropped in training."""
    id_dropout: float = 0.2
    """Share of items whose own embedding is dropped in training, so that content alone can carry an item."""
    l2: float = 1e-3
    """Weight of the squared norm of all kernels and embeddings. Chosen on the boutique (simulated): with 3e-4 held-out
    click AUC is .682 instead of .685, and conversion logits are half again too large. The history encoder counts too:
    while it did not, histories told held-out clicks worse than no history (AUC .706 with, .715 without, one seed); now
    they tell them better (.717 with, .714 without)."""
    seed: int = 20
    """Of the initial weights."""

    def __post_init__(self) -> None:
        """Checks that the sizes fit together.

        Raises:
            ValueError: which do not.

        """
        if self.id_shards < 1:
            raise ValueError(f"id_shards must be 1 or more, not {self.id_shards}.")
        inputs = self.inputs
        if not (self.id_size or inputs.image or inputs.text or inputs.attributes):
            raise ValueError("An item needs an image, text, attributes or an embedding of its own (id_size).")
        for name in ("heads", "interests"):
            if self.width % getattr(self, name):
                raise ValueError(f"{name} = {getattr(self, name)} does not divide a width of {self.width}.")


@dataclass(frozen=True)
class ItemTable:
    """What the model graph holds of each item of the release; row k is vocabulary row k."""

    content: NDArray[np.float32]
    """`[items, 128]` image 64 + text 64, zeros where an item has none."""
    categories: NDArray[np.int32]
    """`[items]` codes (`vocabulary.codes`), 0 is missing."""
    brands: NDArray[np.int32]
    colours: NDArray[np.int32]
    warm: NDArray[np.bool_]
    """`[items]`: had enough interactions in training for an embedding of its own."""

    def __post_init__(self) -> None:
        """Checks that the columns fit together."""
        if self.content.ndim != 2 or self.content.shape[1] != CONTENT_SIZE:
            raise ValueError(f"Content must be [items, {CONTENT_SIZE}], not {list(self.content.shape)}.")
        for name in ("categories", "brands", "colours", "warm"):
            if getattr(self, name).shape != (len(self.content),):
                raise ValueError(f"{name} must have one entry for each of {len(self.content)} items.")
