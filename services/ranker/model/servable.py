"""What the exporter asks of a model, so that a compressed one is exported, gated and measured like every other."""

from typing import Any, Protocol

from services.ranker.model.layers import Calibration


class Scoring(Protocol):
    """Scores batches of requests offline."""

    @property
    def calibration(self) -> Calibration:
        """Applied to the logits by whoever asks."""

    def __call__(self, inputs: dict[str, Any], training: bool = False) -> tuple[Any, Any]:
        """Uncalibrated click and conversion logits, each `[B, C]`."""


class Servable(Scoring, Protocol):
    """Can be exported."""

    def freeze(self) -> None:
        """Makes ready to serve the weights as they are now."""

    def serve(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The signature `serving_default`: one user, n candidates."""

    def explain(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The signature `explain`: what each group of inputs adds to a click's log-odds."""
