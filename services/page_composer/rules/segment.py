"""Who a rule, campaign or experiment is for."""

from dataclasses import dataclass

from services.page_composer.visit import Device, Visit, covers


@dataclass(frozen=True)
class Segment:
    """Each list that is not empty must match; the empty segment is everyone."""

    regions: tuple[str, ...] = ()
    locales: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    channels: tuple[str, ...] = ()

    @property
    def is_everyone(self) -> bool:
        """True when nothing is asked of the visitor."""
        return not (self.regions or self.locales or self.devices or self.channels)

    def has(self, visit: Visit) -> bool:
        """Say whether a visit belongs."""
        return (
            (not self.regions or any(covers(wide, visit.region, "-") for wide in self.regions))
            and (not self.locales or any(covers(wide, visit.locale, "-") for wide in self.locales))
            and (not self.devices or visit.device in self.devices)
            and (not self.channels or visit.channel in self.channels)
        )


@dataclass(frozen=True)
class Period:
    """When something is in force, in Unix time: from `starts_s` to before `ends_s`; 0 leaves an end open."""

    starts_s: float = 0.0
    ends_s: float = 0.0

    def has(self, at_s: float) -> bool:
        """Say whether a moment lies within."""
        return self.starts_s <= at_s and (not self.ends_s or at_s < self.ends_s)


EVERYONE = Segment()
ALWAYS = Period()
