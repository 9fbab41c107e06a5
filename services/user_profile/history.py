"""One user's events, to rebuild the profile that serving would have answered at any earlier time: what training
calls.
"""

from bisect import bisect_left
from collections.abc import Iterable

from services.user_profile.actions import IMPRESSION
from services.user_profile.facets import Facets
from services.user_profile.model.encoder import Encoder
from services.user_profile.model.interactions import InteractionVector, Weighting
from services.user_profile.profile import (
    EXPOSURE_WINDOW_US,
    Profile,
    ProfileEvent,
    ProfileLimits,
    build_profile,
    in_time_order,
    interaction_vector,
    kept_beyond_window,
)


class History:
    """Sorted once, then asked for profiles as of many times."""

    def __init__(self, events: Iterable[ProfileEvent]) -> None:
        everything = list(events)
        self._deeds = in_time_order(everything)
        self._deed_times = [event.occurred_us for event in self._deeds]
        self._shown = sorted(event for event in everything if event.action == IMPRESSION)
        self._shown_times = [event.occurred_us for event in self._shown]

    def profile(
        self,
        now_us: int,
        facets: Facets | None = None,
        encoder: Encoder | None = None,
        limits: ProfileLimits | None = None,
    ) -> Profile:
        """The profile from the events before `now_us`; equal, bit for bit, to `build_profile` over all of them."""
        limits = limits or ProfileLimits()
        deeds = self._deeds[: bisect_left(self._deed_times, now_us)]
        if len(deeds) > limits.window:
            deeds = [deeds[position] for position in kept_beyond_window(deeds, limits.window)]
        return build_profile(deeds, now_us, facets, encoder, limits, self._impression_counts(now_us))

    def interactions(
        self, now_us: int, facets: Facets, weighting: Weighting, limits: ProfileLimits | None = None
    ) -> InteractionVector:
        """What the encoder reads of the user at `now_us`; may be empty."""
        deeds = self._deeds[: bisect_left(self._deed_times, now_us)]
        return interaction_vector(deeds, now_us, facets, weighting, limits)

    def _impression_counts(self, now_us: int) -> dict[str, int]:
        first = bisect_left(self._shown_times, now_us - EXPOSURE_WINDOW_US)
        counts: dict[str, int] = {}
        for event in self._shown[first : bisect_left(self._shown_times, now_us)]:
            counts[event.item_id] = counts.get(event.item_id, 0) + 1
        return counts
