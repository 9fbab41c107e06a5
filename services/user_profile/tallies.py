"""What this service counts beside its calls."""

from services.kit.telemetry import metrics
from services.user_profile.recording import Recording


class Tallies:
    """Events by what became of them."""

    def __init__(self) -> None:
        self._events = metrics().counter("vitrine_events", "Events received, by what became of them.", ["outcome"])

    def count(self, recording: Recording) -> None:
        """Count a batch."""
        self._events.labels("recorded").inc(recording.recorded_count)
        self._events.labels("duplicate").inc(recording.duplicate_count)
        self._events.labels("declined").inc(recording.declined_count)

    def count_rejected(self, reason: str) -> None:
        """Count an event that a stream could not record."""
        self._events.labels(reason.lower()).inc()
