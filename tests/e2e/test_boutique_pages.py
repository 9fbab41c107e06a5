"""What stands on pages of the small boutique is whole, true, and worth more than popularity (simulated)."""

import asyncio

import pytest

from lab.boutique.truth import Truth
from lab.demo.checks import check_pages
from lab.evaluation.composing import Composed, compose_for, page_request
from lab.evaluation.deeds import Deeds, deeds_by_user
from lab.evaluation.evidence import untrue
from lab.evaluation.pages import read_facts
from tests.e2e.ensemble import SmallEnsemble

PAGES = 40


@pytest.fixture(scope="module")
def deeds(small_ensemble: SmallEnsemble) -> dict[str, Deeds]:
    return dict(deeds_by_user(small_ensemble.boutique / "events.jsonl.gz"))


@pytest.fixture(scope="module")
def composed(small_ensemble: SmallEnsemble, deeds: dict[str, Deeds]) -> list[Composed]:
    requests = [
        page_request(small_ensemble.shop_id, user, f"boutique-{user}", deeds[user].region, deeds[user].locale)
        for user in sorted(deeds)[:PAGES]
    ]
    return asyncio.run(compose_for(small_ensemble.address("page_composer"), requests, lambda _done: None))


def test_pages_are_whole(small_ensemble: SmallEnsemble, composed: list[Composed]) -> None:
    facts = read_facts(small_ensemble.address("item_vision"), small_ensemble.shop_id)
    findings = check_pages([each.page for each in composed], facts)
    assert findings.pages == PAGES
    assert findings.problems() == []
    assert {each.page.versions.release_id for each in composed} == {small_ensemble.release_id}


def test_no_page_shows_a_product_or_a_picture_twice_by_the_truth(
    small_ensemble: SmallEnsemble, composed: list[Composed]
) -> None:
    truth = Truth.load(small_ensemble.truth)
    for each in composed:
        rows = [truth.item_rows[slot.item_id] for section in each.page.sections for slot in section.slots]
        families = truth.families[rows].tolist()
        assert len(families) == len(set(families)), each.page.page_id


def test_what_sections_rest_on_is_true(
    small_ensemble: SmallEnsemble, composed: list[Composed], deeds: dict[str, Deeds]
) -> None:
    facts = read_facts(small_ensemble.address("item_vision"), small_ensemble.shop_id)
    found = [
        (each.user_id, section.section_id, untrue(section, deeds[each.user_id], facts, deeds[each.user_id].region))
        for each in composed
        for section in each.page.sections
    ]
    assert [each for each in found if each[2]] == []


def test_pages_differ_from_user_to_user_and_speak_of_what_each_did(composed: list[Composed]) -> None:
    kinds = {section.evidence.kind for each in composed for section in each.page.sections}
    shown = {frozenset(slot.item_id for section in each.page.sections for slot in section.slots) for each in composed}
    assert len(shown) > PAGES / 2
    assert "viewed_item" in kinds
    assert len(kinds) >= 5
    assert all(each.page.personalised for each in composed)


def test_the_shop_was_imported_and_trained_with_its_truth_absent(small_ensemble: SmallEnsemble) -> None:
    work = small_ensemble.processes.work
    assert (small_ensemble.truth / "truth.npz").is_file()
    assert list(work.rglob("truth*")) == []
    assert small_ensemble.metrics["users.ndcg_100"] > 0
    assert (work / "releases" / small_ensemble.shop_id / small_ensemble.release_id / "release.json").is_file()
