"""How long a contract test's server waits for a call that sets no deadline."""

from services.kit.settings import ServiceSettings

PATIENCE_MS = 20_000
"""The services' own default is for a shop's pages; only a busy machine needs more than a moment of this."""


def patient(drain_seconds: float) -> ServiceSettings:
    """Settings of a fake's server."""
    return ServiceSettings(drain_seconds=drain_seconds, default_deadline_ms=PATIENCE_MS)
