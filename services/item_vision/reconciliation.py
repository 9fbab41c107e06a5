"""When a catalogue that lacks many items is believed."""

from typing import Final

from services.kit.errors import NotReady

PLAUSIBLE_SHARE: Final = 0.5
HANDFUL: Final = 10
"""So few may always go: in a small shop they are quickly more than half."""


def check_losses(lost: int, present: int) -> None:
    """Refuse a loss that is likelier a broken export than a shop that gave up half of its items. Raises: NotReady."""
    if lost > HANDFUL and lost > present * PLAUSIBLE_SHARE:
        raise NotReady(
            f"the catalogue names only {present - lost:,} of the shop's {present:,} items; {lost:,} would be retired. "
            "Nothing was. Check that the file is whole; if they are really gone, repeat and allow it (--allow-losses)",
            reason="LOSSES_IMPLAUSIBLE",
            metadata={"lost_count": str(lost), "present_count": str(present)},
        )
