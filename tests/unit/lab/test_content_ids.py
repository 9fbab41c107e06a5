"""Ids made of contents: what is remembered beyond the bound, and after a resumption."""

from pathlib import Path

import pytest

from lab.importing import content_ids
from lab.importing.content_ids import ContentIds


def named(ids: ContentIds, contents: list[str]) -> list[str]:
    """Return how often each content is said to have come before."""
    return [each.partition("-")[2] for each in ids.name(contents, [0] * len(contents))]


def test_beyond_the_bound_only_the_oldest_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_ids, "MOST_REMEMBERED", 64)
    contents = [str(number) for number in range(1_000)]
    for size in (1, 7, 1_000):
        ids = ContentIds(tmp_path / "none.bin", 0, merge_repeats=False)
        for start in range(0, len(contents), size):
            named(ids, contents[start : start + size])
        last = named(ids, contents[-56:])
        assert last[-32:] == ["1"] * 32
        assert last.count("1") >= 48
        assert named(ids, contents[:56]) == [""] * 56


def test_a_resumed_import_goes_on_with_the_same_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_ids, "MOST_REMEMBERED", 64)
    contents = [str(number * number % 97) for number in range(700)]
    whole = named(ContentIds(tmp_path / "none.bin", 0, merge_repeats=False), contents)
    for cut in (3, 64, 333, 600):
        journal = tmp_path / f"{cut}.bin"
        first = ContentIds(journal, 0, merge_repeats=False)
        begun = [*named(first, contents[: cut // 2]), *named(first, contents[cut // 2 : cut])]
        first.keep(first.cut(), cut)
        assert begun + named(ContentIds(journal, cut, merge_repeats=False), contents[cut:]) == whole
