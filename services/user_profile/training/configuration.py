"""What is trained, as data: the release records it."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["autoencoder", "denoising", "variational"]
Reconstruction = Literal["squared_error", "multinomial"]
Prior = Literal["normal", "composite"]


@dataclass(frozen=True)
class AutoencoderConfig:
    """One autoencoder. The defaults train 3,200 users × 2,400 items within 20 s on two cores."""

    kind: Kind = "variational"
    """Plain, denoising (items are left out of the input), or variational (Mult-VAE; items are left out too)."""
    reconstruction: Reconstruction = "multinomial"
    """The reconstruction loss."""
    prior: Prior = "normal"
    """Of the variational one: standard normal (Mult-VAE) or composite (RecVAE). On 3,200 simulated users × 2,400 items
    the normal one was the better on held-out users (NDCG@100 .271 against .265, with 200 hidden units), and a third
    faster.
    """
    most_items: int = 10_000
    """Items that are reconstructed, at most so many: those of most users. The others share the mean of their group, so
    that a user of any item has an embedding. Cost and memory grow with this, not with the catalogue.
    """
    hidden: tuple[int, ...] = ()
    """Hidden layers of the encoder, tanh; the decoder has them in reverse. Without any, z is a sum over the user's
    items. On 2,700 users of the boutique that tells more than 200 hidden units, in less time (NDCG@100 on held-out
    users: .269 against .248 from one of their items, .321 against .297 from three, .288 against .264 from four fifths).
    """
    item_dropout: float = 0.5
    """Share of a user's items that is left out of the input, at random and anew each epoch; not used by the plain
    one.
    """
    short_history_share: float = 0.25
    """Share of the users who are shown with one to three items only, so that new users are not new to the encoder."""
    unit_dropout: float = 0.0
    """Share of hidden units dropped in training."""
    l2: float = 1e-6
    """Weight of the squared norm of all kernels."""
    beta: float = 0.2
    """Largest weight of the divergence from the normal prior (Liang et al. 2018, section 2.2.2)."""
    beta_warm_up_epochs: int = 10
    """Epochs until that weight is reached."""
    gamma: float = 0.04
    """Weight of the divergence from the composite prior, for each item of the user (Shenbin et al. 2020, section
    3.3); the better of .004 and .04 on the same users.
    """
    learning_rate: float = 5e-3
    """Of Adam."""
    average_decay: float = 0.8
    """What is measured and kept is a running mean of the weights: after each step it keeps this share of itself. 0: the
    weights as they are. It allows large steps, which cost least.
    """
    encoder_passes: int = 0
    """0: encoder and decoder learn together. Otherwise they take turns: in each epoch so many times over the users for
    the encoder, then once for the decoder, which is shown whole histories (Shenbin et al. 2020, section 3.4; they take
    3).
    """
    batch_users: int = 256
    """Users in a step."""
    max_epochs: int = 60
    """Epochs at most."""
    patience: int = 6
    """Epochs without a better NDCG@100 on held-out users before it stops."""
    held_out_share: float = 0.1
    """Share of the users that training never sees, at least 1."""
    seed: int = 20
    """Of weights, split, dropout and order."""

    def __post_init__(self) -> None:
        """Refuses what cannot be trained."""
        for name in ("item_dropout", "short_history_share", "unit_dropout", "average_decay", "held_out_share"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"{name} must be at least 0 and below 1")
        if min(self.max_epochs, self.batch_users, self.patience, self.most_items) < 1:
            raise ValueError("max_epochs, batch_users, patience and most_items must be positive")
        if self.encoder_passes < 0:
            raise ValueError("encoder_passes must be at least 0")
