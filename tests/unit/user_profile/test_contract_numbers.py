"""The domain's own lists say what the contract's enums say."""

from services.user_profile.actions import Action
from services.user_profile.consent import Purpose
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2


def declared(enum, prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): number for name, number in enum.items() if number}


def test_actions_are_the_contracts():
    assert {action.name: int(action) for action in Action} == declared(common_pb2.Action, "ACTION_")


def test_purposes_are_the_contracts():
    assert {each.name: int(each) for each in Purpose} == declared(common_pb2.ConsentPurpose, "CONSENT_PURPOSE_")


def test_every_field_of_an_event_has_its_column():
    columns = {field.name for field in user_profile_pb2.EventColumns.DESCRIPTOR.fields}
    nested = {"price": {"price_amounts_minor", "price_currencies"}}
    nested["placement"] = {f"placement_{name}" for name in ("page_ids", "section_ids", "rows", "columns", "devices")}
    plurals = {"occurred_at": "occurred_at_us", "query": "queries", "quantity": "quantities"}
    expected: set[str] = set()
    for field in user_profile_pb2.Event.DESCRIPTOR.fields:
        expected |= nested.get(field.name, {plurals.get(field.name, f"{field.name}s")})
    assert columns == expected
    assert len(nested["placement"]) == len(common_pb2.Placement.DESCRIPTOR.fields)
