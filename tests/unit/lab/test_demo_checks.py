"""What the demo finds wrong with pages."""

from typing import Any

import pytest

from lab.demo.checks import check_pages, is_short, repeated_slots
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb


def fact(item_id: str, family: str = "", cluster: int = 0, stock: int | None = 5) -> Any:
    facts = item_vision_pb2.ItemFacts(item_id=item_id, family_id=family or item_id, near_duplicate_cluster=cluster)
    if stock is not None:
        facts.stock = stock
    return facts


FACTS = {
    each.item_id: each
    for each in (fact("a"), fact("b"), fact("c"), fact("a2", family="a"), fact("x", cluster=7), fact("y", cluster=7),
                 fact("gone", stock=0), fact("endless", stock=None))
}  # fmt: skip


def shelf(*item_ids: str, columns: int = 2, style: str = "grid", reserve: int = 0) -> pb.Section:
    section = pb.Section(kind=pb.SECTION_KIND_SHELF, shelf="for_you", reserve_count=reserve)
    section.layout.style, section.layout.columns = style, columns
    for item_id in item_ids:
        slot = section.slots.add(item_id=item_id, title=item_id, link=f"/items/{item_id}")
        slot.price.amount_minor, slot.price.currency = 100, "EUR"
    return section


def page(*sections: pb.Section) -> pb.Page:
    return pb.Page(sections=sections)


GOOD = page(shelf("a", "b"), shelf("c", "x"), shelf("endless"))


def test_a_good_page_has_no_problems() -> None:
    findings = check_pages([GOOD], FACTS)
    assert findings.problems() == []
    assert (findings.pages, findings.shelves["for_you"]) == (1, 3)


@pytest.mark.parametrize(
    ("item_ids", "count"),
    [
        (["a", "b"], 0),
        (["a", "a"], 1),
        (["a", "b", "a2"], 1),
        (["x", "y"], 1),
        (["unknown", "unknown"], 1),
        (["a", "x"], 0),
    ],
)
def test_repetitions_are_products_variants_and_lookalikes(item_ids: list[str], count: int) -> None:
    assert len(repeated_slots(item_ids, FACTS)) == count


def test_everything_wrong_is_counted() -> None:
    degraded = page(shelf("a"), shelf("b"), shelf("c"))
    degraded.degraded.add(dependency="ranker")
    untitled = page(shelf("a"), shelf("b"), shelf("c"))
    untitled.sections[0].slots[0].title = ""
    thin = page(shelf("gone", "a", "a2", columns=2, reserve=4))
    findings = check_pages([GOOD, degraded, untitled, thin], FACTS)
    assert (findings.duplicates, findings.out_of_stock, findings.short_rows) == (1, 1, 1)
    assert (findings.thin_pages, findings.degraded) == (2, 1)
    assert len(findings.problems()) == 5
    assert [detail.split(": ")[1].split(" ")[0] for detail in findings.details] == [
        "ranker", "3", "1", "repeats", "shows", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("section", "short"),
    [
        (shelf("a", "b", "c", reserve=3), True),
        (shelf("a", "b", "c", reserve=0), False),
        (shelf("a", "b", "c", style="row", reserve=3), False),
        (shelf("a", style="row", reserve=3), True),
        (shelf("a", "b", reserve=3), False),
    ],
)
def test_a_gap_counts_only_while_there_is_more(section: pb.Section, short: bool) -> None:
    assert is_short(section) is short
