"""Python's garbage collector in a server: what lives as long as the process is not looked at again and again."""

import gc

YOUNG_OBJECTS = 20_000
"""New containers before a look at the youngest. Python's own 700 makes a page's work start it dozens of times, and
what a call makes is freed by its reference counts anyway.
"""
YOUNG_LOOKS = 20
"""Looks at the youngest before one at the middle-aged."""
MIDDLE_LOOKS = 20
"""Looks at the middle-aged before one at the rest."""


def spare_what_stays() -> None:
    """Collect once, then keep what is left (modules, releases, item indexes) out of all later collections.

    Its memory is still freed when its last reference goes; only cycles within it would stay. Call it when warm-up
    is over.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_LOOKS, MIDDLE_LOOKS)
