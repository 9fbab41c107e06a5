"""Rules as forms: there and back, and what is wrong with them."""

import pytest

from storefront.console.access import allowed
from storefront.console.drafts import Problems, audience, form_of, rule_of, summary, time_of, words
from storefront.console.overview import state
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import merchandising_pb2


def rules() -> list[merchandising_pb2.Rule]:
    items = merchandising_pb2.ItemFilter(brands=["Aske", "Vale"], categories=["Home/Mugs"])
    segment = merchandising_pb2.Segment(regions=["DE", "CN-31"], devices=[common_pb2.DEVICE_PHONE])
    timed = merchandising_pb2.Rule(rule_id="x", exclude=merchandising_pb2.ExcludeEffect(items=items), segment=segment)
    timed.starts_at.FromJsonString("2026-11-22T08:30:00Z")
    timed.ends_at.FromJsonString("2026-12-22T08:30:00Z")
    pin = merchandising_pb2.PinEffect(item_id="i", shelf="for_you", position=2)
    cap = merchandising_pb2.CapEffect(facet="seller", value="s", item_count=3)
    return [
        merchandising_pb2.Rule(rule_id="p", note="note", pin=pin),
        merchandising_pb2.Rule(rule_id="b", boost=merchandising_pb2.BoostEffect(items=items, factor=1.5)),
        timed,
        merchandising_pb2.Rule(rule_id="c", cap=cap),
    ]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.rule_id)
def test_a_rule_survives_its_form(rule):
    problems = Problems()
    assert rule_of(form_of(rule), problems) == rule
    assert problems.found == []


def test_text_that_is_no_number_or_time_is_a_problem_of_its_field():
    problems = Problems()
    rule_of({"effect": "boost", "factor": "much", "starts_at": "soon", "ends_at": "2026-12-01T08:00"}, problems)
    assert problems.of("rule.boost.factor") == "a number, such as 1.5"
    assert "date" in problems.of("rule.starts_at")
    assert problems.of("rule.ends_at") == ""


def test_problems_of_no_field_of_the_form_are_left_over():
    problems = Problems([("rule.pin.item_id", "a"), ("rule.segment.regions[0]", "b"), ("rule.odd", "c")])
    assert problems.of("rule.pin") == "a"
    assert problems.of("rule.segment.regions") == "b"
    assert problems.rest() == [("rule.odd", "c")]


def test_rules_are_told_in_a_line():
    said = [summary(rule) for rule in rules()]
    assert said == [
        "Pins i at position 2 of “for_you”",
        "Multiplies the value of Home/Mugs, Aske, Vale by 1.5",
        "Never shows Home/Mugs, Aske, Vale",
        "Shows at most 3 items of s on a page",
    ]
    assert audience(rules()[2].segment) == "DE, CN-31, phone"
    assert audience(merchandising_pb2.Segment()) == "everyone"


def test_a_rule_is_planned_in_force_or_over():
    rule = rules()[2]
    assert [state(rule, second) for second in (0, rule.starts_at.seconds, rule.ends_at.seconds)] == [
        "planned",
        "in force",
        "over",
    ]
    assert state(rules()[0], 0) == "in force"


def test_lists_are_typed_with_commas_or_lines():
    assert words(" a, b\nc ,, ") == ["a", "b", "c"]
    problems = Problems()
    assert time_of("", "at", problems) is None
    moment = time_of("2026-12-01T08:00", "at", problems)
    assert moment is not None
    assert moment.ToJsonString() == "2026-12-01T08:00:00Z"


@pytest.mark.parametrize(
    ("header", "right"),
    [
        ("Basic bWVyY2hhbmRpc2VyOm9wZW4gc2VzYW1l", True),
        ("basic bWVyY2hhbmRpc2VyOm9wZW4gc2VzYW1l", True),
        ("Basic bWVyY2hhbmRpc2VyOm9wZW4=", False),
        ("Bearer bWVyY2hhbmRpc2VyOm9wZW4gc2VzYW1l", False),
        ("Basic !", False),
        ("", False),
    ],
)
def test_the_console_opens_to_its_password_alone(header, right):
    assert allowed(header, "open sesame") is right
