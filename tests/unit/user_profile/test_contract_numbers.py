"""The domain's own lists say what the contract's enums say."""

from services.user_profile.actions import Action
from services.user_profile.consent import Purpose
from vitrine.common.v1 import common_pb2


def declared(enum, prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): number for name, number in enum.items() if number}


def test_actions_are_the_contracts():
    assert {action.name: int(action) for action in Action} == declared(common_pb2.Action, "ACTION_")


def test_purposes_are_the_contracts():
    assert {each.name: int(each) for each in Purpose} == declared(common_pb2.ConsentPurpose, "CONSENT_PURPOSE_")
