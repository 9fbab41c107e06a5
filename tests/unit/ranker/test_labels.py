import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services.kit.errors import Conflict, NotFound, NotReady
from services.kit.label_moves import ask_for, asked_id, end_asking, wanted_ids
from services.kit.release import Labels, ReleaseDirectory
from services.kit.release_writer import ReleaseWriter
from services.ranker.labels import ReleaseLabels, with_label

SERVICES = ("user_profile", "item_vision", "ranker", "page_composer", "model_server")
EVERYTHING = {service: frozenset({"r1", "r2", "r3"}) for service in SERVICES}


class Ready:
    """Who is ready, as the test says."""

    def __init__(self) -> None:
        self.releases: dict[str, set[str]] = {service: set() for service in SERVICES}

    async def __call__(self, shop_id: str) -> Mapping[str, frozenset[str]]:
        return {service: frozenset(releases) for service, releases in self.releases.items()}

    def everywhere(self, *release_ids: str) -> None:
        for releases in self.releases.values():
            releases.update(release_ids)


@pytest.fixture
def ids(tmp_path: Path) -> list[str]:
    """Three releases, oldest first."""
    found = []
    for hour in (1, 2, 3):
        with ReleaseWriter(tmp_path, "boutique", datetime(2026, 1, 1, hour, tzinfo=UTC)) as writer:
            writer.write_text("model_card.md", "small")
            writer.publish(data_sha256="0" * 64, spaces={}, calibrated=True, metrics={"click_auc": 0.7})
        found.append(writer.release_id)
    return found


@pytest.fixture
def ready() -> Ready:
    return Ready()


@pytest.fixture
def labels(tmp_path: Path, ready: Ready) -> ReleaseLabels:
    return ReleaseLabels(tmp_path, ready)


def on_disk(tmp_path: Path) -> Labels:
    return ReleaseDirectory(tmp_path, "boutique").labels()


async def test_a_promotion_moves_the_old_stable_to_previous(labels, ready, ids, tmp_path):
    ready.everywhere(*ids)
    first = await labels.promote("boutique", ids[0], "stable", 0.0)
    assert (first.labels, sorted(first.ready_services)) == (["stable"], sorted(SERVICES))
    await labels.promote("boutique", ids[1], "stable", 0.0)
    assert on_disk(tmp_path) == Labels(stable=ids[1], previous=ids[0])


async def test_promoting_twice_changes_nothing(labels, ready, ids, tmp_path):
    ready.everywhere(*ids)
    for release_id in (ids[0], ids[1], ids[1]):
        await labels.promote("boutique", release_id, "stable", 0.0)
    assert on_disk(tmp_path) == Labels(stable=ids[1], previous=ids[0])


async def test_a_canary_stands_beside_stable_and_ends_when_it_is_promoted(labels, ready, ids, tmp_path):
    ready.everywhere(*ids)
    await labels.promote("boutique", ids[0], "stable", 0.0)
    await labels.promote("boutique", ids[1], "canary", 0.0)
    assert on_disk(tmp_path) == Labels(stable=ids[0], canary=ids[1])
    await labels.promote("boutique", ids[1], "stable", 0.0)
    assert on_disk(tmp_path) == Labels(stable=ids[1], previous=ids[0])


async def test_a_rollback_goes_back_and_a_second_one_comes_forward_again(labels, ready, ids, tmp_path):
    ready.everywhere(*ids)
    for release_id in ids[:2]:
        await labels.promote("boutique", release_id, "stable", 0.0)
    assert (await labels.roll_back("boutique", 0.0)).release.release_id == ids[0]
    assert on_disk(tmp_path) == Labels(stable=ids[0], previous=ids[1])
    await labels.roll_back("boutique", 0.0)
    assert on_disk(tmp_path) == Labels(stable=ids[1], previous=ids[0])


async def test_nobody_can_go_back_to_nothing(labels, ready, ids):
    ready.everywhere(*ids)
    await labels.promote("boutique", ids[0], "stable", 0.0)
    with pytest.raises(NotReady) as caught:
        await labels.roll_back("boutique", 0.0)
    assert caught.value.reason == "NO_PREVIOUS_RELEASE"


async def test_a_previous_release_that_was_removed_is_nothing_to_go_back_to(labels, ready, ids, tmp_path):
    ready.everywhere(*ids)
    for release_id in ids[:2]:
        await labels.promote("boutique", release_id, "stable", 0.0)
    (tmp_path / "boutique" / ids[0]).rename(tmp_path / "elsewhere")
    with pytest.raises(NotReady) as caught:
        await labels.roll_back("boutique", 0.0)
    assert caught.value.reason == "NO_PREVIOUS_RELEASE"
    await labels.promote("boutique", ids[2], "stable", 0.0)
    assert on_disk(tmp_path) == Labels(stable=ids[2], previous=ids[1])


async def test_a_promotion_names_who_is_not_ready_and_moves_nothing(labels, ready, ids, tmp_path):
    ready.everywhere(ids[0])
    await labels.promote("boutique", ids[0], "stable", 0.0)
    ready.everywhere(ids[1])
    for service in ("item_vision", "model_server"):
        ready.releases[service].discard(ids[1])
    with pytest.raises(NotReady) as caught:
        await labels.promote("boutique", ids[1], "stable", 0.0)
    assert caught.value.reason == "RELEASE_NOT_READY"
    assert caught.value.metadata == {"release_id": ids[1], "not_ready": "item_vision,model_server"}
    assert on_disk(tmp_path) == Labels(stable=ids[0])


async def test_a_promotion_waits_for_the_last_service(labels, ready, ids, tmp_path):
    ready.everywhere(ids[0])
    ready.releases["ranker"].clear()
    promotion = asyncio.create_task(labels.promote("boutique", ids[0], "stable", 30.0))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not promotion.done()
    ready.everywhere(ids[0])
    await promotion
    assert on_disk(tmp_path) == Labels(stable=ids[0])


async def test_an_unknown_release_cannot_be_promoted(labels, ids):
    with pytest.raises(NotFound) as caught:
        await labels.promote("boutique", "r1", "stable", 0.0)
    assert caught.value.reason == "RELEASE_UNKNOWN"


async def test_releases_are_listed_newest_first_with_labels_and_who_has_them(labels, ready, ids):
    ready.everywhere(ids[1])
    ready.releases["ranker"].add(ids[2])
    await labels.promote("boutique", ids[1], "stable", 0.0)
    listed = await labels.list_releases("boutique")
    assert [each.release.release_id for each in listed] == ids[::-1]
    assert [each.labels for each in listed] == [[], ["stable"], []]
    assert [list(each.ready_services) for each in listed] == [["ranker"], sorted(SERVICES), []]
    assert await labels.list_releases("nowhere") == []


async def test_a_broken_release_does_not_hide_the_others(labels, ids, tmp_path):
    (tmp_path / "boutique" / ids[1] / "release.json").write_text("{")
    assert [each.release.release_id for each in await labels.list_releases("boutique")] == [ids[2], ids[0]]


class Loading(Ready):
    """Services that load what is wanted when they are asked, as the watchers do."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self.held: list[set[str]] = []

    async def __call__(self, shop_id: str) -> Mapping[str, frozenset[str]]:
        directory = ReleaseDirectory(self._root, shop_id)
        wanted = wanted_ids(directory, directory.labels(), datetime.now(UTC))
        self.held.append(set(wanted))
        return {service: frozenset(wanted) for service in SERVICES}


async def test_an_older_release_without_a_label_can_be_promoted_and_no_more_is_held_than_that(ids, tmp_path):
    loading = Loading(tmp_path)
    labels = ReleaseLabels(tmp_path, loading)
    await labels.promote("boutique", ids[2], "stable", 0.0)
    await labels.promote("boutique", ids[0], "stable", 0.0)
    assert on_disk(tmp_path) == Labels(stable=ids[0], previous=ids[2])
    assert loading.held == [{ids[2]}, {ids[2], ids[0]}]
    assert not (tmp_path / "boutique" / "asked.json").exists()


async def test_a_promotion_that_fails_no_longer_asks_for_the_release(labels, ids, tmp_path):
    with pytest.raises(NotReady):
        await labels.promote("boutique", ids[0], "stable", 0.0)
    assert not (tmp_path / "boutique" / "asked.json").exists()


async def test_of_two_promotions_at_a_time_the_later_one_is_refused(labels, ready, ids, tmp_path):
    first = asyncio.create_task(labels.promote("boutique", ids[0], "stable", 30.0))
    while not (tmp_path / "boutique" / "asked.json").exists():
        await asyncio.sleep(0)
    with pytest.raises(Conflict) as caught:
        await labels.promote("boutique", ids[1], "stable", 0.0)
    assert caught.value.reason == "LABELS_CONTENDED"
    ready.everywhere(*ids)
    await first
    assert on_disk(tmp_path) == Labels(stable=ids[0])


async def test_promoting_what_somebody_else_has_just_promoted_is_no_conflict(labels, ready, ids, tmp_path):
    both = [asyncio.create_task(labels.promote("boutique", ids[0], "stable", 30.0)) for _ in range(2)]
    while not (tmp_path / "boutique" / "asked.json").exists():
        await asyncio.sleep(0)
    ready.everywhere(*ids)
    assert [(await each).labels for each in both] == [["stable"], ["stable"]]


async def test_of_two_promotions_of_one_release_neither_takes_it_from_the_other(labels, ready, ids, tmp_path):
    directory = ReleaseDirectory(tmp_path, "boutique")
    patient = asyncio.create_task(labels.promote("boutique", ids[0], "stable", 30.0))
    while not (tmp_path / "boutique" / "asked.json").exists():
        await asyncio.sleep(0)
    with pytest.raises(NotReady):
        await labels.promote("boutique", ids[0], "stable", 0.0)
    assert asked_id(directory, datetime.now(UTC) + timedelta(seconds=20)) == ids[0]
    ready.everywhere(*ids)
    await patient
    assert not (tmp_path / "boutique" / "asked.json").exists()


async def test_a_promotion_that_is_cancelled_while_it_asks_leaves_nothing_asked_for(labels, ids, tmp_path, monkeypatch):
    loop = asyncio.get_running_loop()

    def asked_and_cancelled(*values):
        ask_for(*values)
        loop.call_soon_threadsafe(promotion.cancel)

    monkeypatch.setattr("services.ranker.labels.ask_for", asked_and_cancelled)
    promotion = asyncio.create_task(labels.promote("boutique", ids[0], "stable", 30.0))
    with pytest.raises(asyncio.CancelledError):
        await promotion
    assert not (tmp_path / "boutique" / "asked.json").exists()


def test_what_a_process_that_died_asked_for_runs_out(ids, tmp_path):
    directory = ReleaseDirectory(tmp_path, "boutique")
    now = datetime(2026, 2, 1, tzinfo=UTC)
    ask_for(directory, ids[0], now, 30.0)
    assert wanted_ids(directory, Labels(), now) == [ids[2], ids[0]]
    later = datetime(2026, 2, 1, 0, 0, 31, tzinfo=UTC)
    assert wanted_ids(directory, Labels(), later) == [ids[2]]
    ask_for(directory, ids[1], later, 30.0)
    end_asking(directory, ids[0], later)
    assert asked_id(directory, later) == ids[1]


SWAP = """
import sys
from pathlib import Path
from services.kit.errors import Conflict
from services.kit.label_moves import move_labels
from services.kit.release import ReleaseDirectory
directory = ReleaseDirectory(Path(sys.argv[1]), "boutique")
done = 0
while done < int(sys.argv[2]):
    before = directory.labels()
    try:
        move_labels(directory, before, before.model_copy(update={"stable": before.previous, "previous": before.stable}))
        done += 1
    except Conflict:
        continue
"""


def test_two_processes_that_move_labels_at_once_lose_no_move(ids, tmp_path):
    directory = ReleaseDirectory(tmp_path, "boutique")
    directory.write_labels(Labels(stable=ids[0], previous=ids[1]))
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'protos'}"}
    # 21 swaps and 20: an odd number in all, so a lost one would leave the labels as they were.
    movers = [
        subprocess.Popen([sys.executable, "-c", SWAP, str(tmp_path), str(count)], env=environment) for count in (21, 20)
    ]
    assert [mover.wait(timeout=120) for mover in movers] == [0, 0]
    assert directory.labels() == Labels(stable=ids[1], previous=ids[0])


class Moves(RuleBasedStateMachine):
    """Any sequence of promotions and rollbacks."""

    def __init__(self) -> None:
        super().__init__()
        self.labels = Labels()
        self.history: list[str] = []

    @rule(release_id=st.sampled_from(["r1", "r2", "r3"]))
    def promote(self, release_id: str) -> None:
        before = self.labels
        self.labels = with_label(before, "stable", release_id)
        assert self.labels.stable == release_id
        if before.stable not in (None, release_id):
            assert self.labels.previous == before.stable

    @rule(release_id=st.sampled_from(["r1", "r2", "r3"]))
    def try_out(self, release_id: str) -> None:
        before = self.labels
        self.labels = with_label(before, "canary", release_id)
        assert self.labels == before.model_copy(update={"canary": release_id})

    @rule()
    def roll_back(self) -> None:
        before = self.labels
        if before.previous:
            self.labels = with_label(before, "stable", before.previous)
            assert (self.labels.stable, self.labels.previous) == (before.previous, before.stable)

    @invariant()
    def stable_is_not_its_own_predecessor(self) -> None:
        assert self.labels.stable is None or self.labels.stable != self.labels.previous


def test_no_sequence_of_moves_loses_the_way_back():
    run_state_machine_as_test(Moves, settings=settings(max_examples=100, deadline=None))
