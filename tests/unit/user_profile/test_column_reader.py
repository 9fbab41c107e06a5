"""Rows of columns against the same events as messages: the same event, the same fault."""

from hypothesis import given
from hypothesis import strategies as st

from services.kit import tracking
from services.kit.pseudonyms import Pseudonyms
from services.user_profile.column_reader import read_columns
from services.user_profile.event_reader import EARLIEST_US, MAX_AHEAD_US, EventReader
from tests.contract.event_columns import columns_of
from tests.fakes.keys import PSEUDONYM_KEY, TRACKING_KEY
from tests.fakes.user_profile import NOW_US
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb

TOKEN = tracking.issue(common_pb2.TrackingClaims(shop_id="shop"), TRACKING_KEY)
IDS = st.sampled_from(["", "a", "b", "ç漢", " a", "a b", "tab\t", "x" * 128, "x" * 129, "\u00a0", "nul\x00"])
MOMENTS = st.sampled_from(
    [0, 1, EARLIEST_US - 1, EARLIEST_US, NOW_US, NOW_US + MAX_AHEAD_US, NOW_US + MAX_AHEAD_US + 1, -5]
)
NUMBERS = st.sampled_from([0, 1, 5, 6, 10_000, 10_001, -1])


@st.composite
def events(draw) -> pb.Event:
    """Events that keep or break any rule, but cannot say what columns cannot (a rating of 0, an empty price)."""
    event = pb.Event(
        event_id=draw(st.one_of(st.uuids().map(str), IDS)),
        action=draw(st.sampled_from([0, *range(1, 19), 99])),
        user_id=draw(IDS),
        session_id=draw(IDS),
        item_id=draw(IDS),
        query=draw(st.sampled_from(["", " ", "red shoes", "q" * 500, "q" * 501, "\x00"])),
        text=draw(st.sampled_from(["", " ", "nice", "t" * 10_001, "\x00"])),
        quantity=draw(NUMBERS),
        channel=draw(st.sampled_from(["", "app", "c" * 33, " x"])),
        region=draw(st.sampled_from(["", "DE", "de", "CN-31"])),
        locale=draw(st.sampled_from(["", "en", "es-MX", "?"])),
        device=draw(st.sampled_from([0, 1, 77])),
        tracking_token=draw(st.sampled_from(["", "", "", "forged", TOKEN])),
    )
    moment_us = draw(MOMENTS)
    if moment_us:
        event.occurred_at.seconds, rest_us = divmod(moment_us, 1_000_000)
        event.occurred_at.nanos = rest_us * 1_000
    if rating := draw(NUMBERS):
        event.rating = rating
    if draw(st.booleans()):
        event.price.currency = draw(st.sampled_from(["EUR", "usd"]))
        event.price.amount_minor = draw(NUMBERS)
    if draw(st.booleans()):
        event.placement.row = draw(st.sampled_from([1, 10_001]))
        event.placement.page_id = draw(IDS)
        event.placement.section_id = draw(st.sampled_from(["", "for_you", "s" * 129]))
        event.placement.device = draw(st.sampled_from([0, 2, 77]))
    return event


def orderly(**fields) -> pb.Event:
    event = pb.Event(event_id="e", action=common_pb2.ACTION_VIEW, user_id="ada", item_id="item-1")
    event.occurred_at.FromMicroseconds(NOW_US - 1)
    event.MergeFrom(pb.Event(**fields))
    return event


def reader() -> EventReader:
    return EventReader("shop", Pseudonyms(PSEUDONYM_KEY), TRACKING_KEY, NOW_US)


@given(st.lists(events(), max_size=8))
def test_a_row_is_read_as_the_message_that_says_the_same(sent):
    one_by_one = [reader().read(event) for event in sent]
    read, wrong = read_columns(columns_of(sent), reader())
    assert read == [event for event, _ in one_by_one]
    assert wrong == {row: violations for row, (_, violations) in enumerate(one_by_one) if violations}


@given(st.data())
def test_orderly_events_stay_so_whatever_one_field_says(data):
    changed = data.draw(events())
    names = data.draw(st.lists(st.sampled_from(sorted(pb.Event.DESCRIPTOR.fields_by_name)), max_size=2))
    sent = [orderly(), orderly(event_id="f", action=common_pb2.ACTION_PURCHASE, quantity=3)]
    for name in names:
        for event in sent:
            event.ClearField(name)
            field = getattr(changed, name)
            if hasattr(field, "CopyFrom"):
                if changed.HasField(name):
                    getattr(event, name).CopyFrom(field)
            elif not (name == "rating" and field == 0):
                setattr(event, name, field)
    one_by_one = [reader().read(event) for event in sent]
    read, wrong = read_columns(columns_of(sent), reader())
    assert read == [event for event, _ in one_by_one]
    assert set(wrong) == {row for row, (_, violations) in enumerate(one_by_one) if violations}


def test_no_rows_are_no_events():
    assert read_columns(pb.EventColumns(), reader()) == ([], {})
