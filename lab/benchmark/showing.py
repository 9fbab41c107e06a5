"""How a benchmark tells what it is doing."""

from collections.abc import Callable

Show = Callable[[str, int, int], None]
"""(what is under way, done, of how many)."""
