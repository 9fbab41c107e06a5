"""What a user agrees to, purpose by purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Purpose(IntEnum):
    """The contract's ConsentPurpose (a test holds the two against each other)."""

    PERSONALISATION = 1
    ANALYTICS = 2
    MARKETING = 3


# Iterating an enum class costs more than what is done with its members.
PURPOSES: Final = tuple(Purpose)


@dataclass(frozen=True)
class Decision:
    """What a subject said about one purpose."""

    granted: bool
    decided_us: int | None
    """When, in microseconds since 1970; None while the shop's default is in force."""


@dataclass(frozen=True)
class Consents:
    """The decision in force for every purpose."""

    decisions: Mapping[Purpose, Decision]

    @classmethod
    def of(cls, decided: Mapping[Purpose, Decision], granted_by_default: frozenset[Purpose]) -> "Consents":
        """What the subject decided, and the default where nothing was decided."""
        return cls(
            {purpose: decided.get(purpose) or Decision(purpose in granted_by_default, None) for purpose in PURPOSES}
        )

    def granted(self, purpose: Purpose) -> bool:
        """Whether the purpose is agreed to."""
        return self.decisions[purpose].granted

    @property
    def allow_recording(self) -> bool:
        """Whether an event may be kept at all: it serves the user's own pages or analysis, or it is declined."""
        return self.granted(Purpose.PERSONALISATION) or self.granted(Purpose.ANALYTICS)
