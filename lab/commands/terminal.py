"""Where commands write: one console for results, one for errors."""

from rich.console import Console


def console() -> Console:
    """Results, on standard output."""
    return Console(highlight=False)


def errors() -> Console:
    """Problems, on standard error."""
    return Console(stderr=True, highlight=False)
