"""The domain's objects as messages of the contract."""

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from services.user_profile.consent import Consents
from services.user_profile.events import Event
from services.user_profile.model.encoder import Encoder
from services.user_profile.profile import Profile
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb

USER_MODALITY = "user"


def timestamp(us: int) -> Timestamp:
    """A protobuf timestamp of microseconds since 1970."""
    seconds, rest = divmod(us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=rest * 1_000)


def consent_messages(consents: Consents) -> list[pb.Consent]:
    """One entry a purpose, in the order of the enum."""
    return [
        pb.Consent(
            purpose=common_pb2.ConsentPurpose.ValueType(purpose),
            granted=decision.granted,
            decided_at=None if decision.decided_us is None else timestamp(decision.decided_us),
        )
        for purpose, decision in sorted(consents.decisions.items())
    ]


def anonymous_profile(reason: pb.AnonymousReason.ValueType, consents: Sequence[pb.Consent] = ()) -> pb.Profile:
    """A profile that says nothing but why, and what was agreed to."""
    return pb.Profile(anonymous=True, anonymous_reason=reason, consents=consents)


def profile_message(
    profile: Profile, profile_version: int, consents: Sequence[pb.Consent], encoder: Encoder | None, recent_limit: int
) -> pb.Profile:
    """A profile that may be told."""
    message = pb.Profile(
        seen_item_ids=profile.seen_item_ids,
        hidden_item_ids=profile.hidden_item_ids,
        cart_item_ids=profile.cart_item_ids,
        profile_version=profile_version,
        consents=consents,
        event_count=profile.event_count,
        affinities=[pb.Affinity(facet=each.facet, value=each.value, weight=each.weight) for each in profile.affinities],
        exposures=[pb.Exposure(item_id=item_id, impression_count=count) for item_id, count in profile.exposures],
        recent_searches=[
            pb.RecentSearch(query=event.query, occurred_at=timestamp(event.occurred_us)) for event in profile.searches
        ],
    )
    for event in profile.recent_actions[:recent_limit]:
        # In place: there are up to two hundred, and one that is made by itself is copied twice.
        action = message.recent_actions.add()
        action.action, action.item_id = common_pb2.Action.ValueType(event.action), event.item_id
        seconds, rest = divmod(event.occurred_us, 1_000_000)
        occurred_at = action.occurred_at
        occurred_at.seconds, occurred_at.nanos = seconds, rest * 1_000
    if profile.embedding is not None and encoder is not None:
        values = profile.embedding.tolist()
        message.embedding.CopyFrom(
            common_pb2.ModalityVector(modality=USER_MODALITY, space_id=encoder.space_id, values=values)
        )
    return message


def event_message(event: Event, user_id: str | None = None) -> pb.Event:
    """An event under pseudonyms; `user_id`, if given, stands for the user's."""
    message = pb.Event(
        event_id=event.event_id,
        action=common_pb2.Action.ValueType(event.action),
        occurred_at=timestamp(event.occurred_us),
        item_id=event.item_id,
        query=event.query,
        rating=event.rating,
        text=event.text,
        quantity=event.quantity or 0,
        channel=event.channel,
        region=event.region,
        locale=event.locale,
        device=common_pb2.Device.ValueType(event.device),
    )
    if event.user is not None:
        message.user_id = event.user.hex() if user_id is None else user_id
    if event.session is not None:
        message.session_id = event.session.hex()
    if event.price_minor is not None:
        message.price.CopyFrom(common_pb2.Money(amount_minor=event.price_minor, currency=event.currency))
    if event.placement is not None:
        message.placement.CopyFrom(common_pb2.Placement(**event.placement._asdict()))
    return message
