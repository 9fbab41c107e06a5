"""Releases: published whole or not at all, checked before use, and kept ready beside each other."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from services.kit.errors import NotFound, NotReady
from services.kit.label_moves import ask_for, end_asking
from services.kit.release import Labels, Release, ReleaseBroken, ReleaseDirectory, shop_ids
from services.kit.release_watcher import ReleaseWatcher, WatchSettings
from services.kit.release_writer import ReleaseWriter
from services.kit.telemetry import metrics

MADE_AT = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


def publish(root: Path, shop_id: str = "boutique", day: int = 0, **files: str) -> Release:
    with ReleaseWriter(root, shop_id, MADE_AT + timedelta(days=day)) as writer:
        writer.write_arrays("vocabulary.npz", {"item_ids": np.array(["a", "b"]), "rows": np.arange(2)})
        writer.write_json("page/fallback.json", {"popular": ["a"]})
        for name, text in files.items():
            writer.write_text(name, text)
        (writer.fusion_folder / "variables").mkdir(parents=True)
        (writer.fusion_folder / "saved_model.pb").write_bytes(b"graph")
        return writer.publish(data_sha256="d" * 64, spaces={"image": "s" * 16}, calibrated=True, metrics={"ndcg": 0.3})


def directory(root: Path) -> ReleaseDirectory:
    return ReleaseDirectory(root, "boutique")


def test_what_was_written_is_read_back(tmp_path):
    release = publish(tmp_path)
    opened = directory(tmp_path).open(release.release_id)
    opened.verify()
    assert opened.manifest == release.manifest
    assert opened.release_id == "r20260131120000"
    assert opened.manifest.version == 20260131120000
    assert opened.manifest.created_at == MADE_AT
    assert opened.load_arrays("vocabulary.npz")["item_ids"].tolist() == ["a", "b"]
    assert opened.load_json("page/fallback.json") == {"popular": ["a"]}
    assert opened.has("page/fallback.json")
    assert opened.has("fusion")
    assert not opened.has("sources")


def test_the_fusion_model_is_linked_where_the_model_server_looks(tmp_path):
    release = publish(tmp_path)
    link = tmp_path / "boutique" / "serving" / "fusion" / str(release.manifest.version)
    assert link.is_symlink()
    assert not link.readlink().is_absolute()
    assert (link / "saved_model.pb").read_bytes() == b"graph"
    moved = tmp_path.with_name(tmp_path.name + "-moved")
    tmp_path.rename(moved)
    assert (moved / link.relative_to(tmp_path) / "saved_model.pb").read_bytes() == b"graph"


def test_a_release_that_is_not_published_leaves_nothing(tmp_path):
    def fail() -> None:
        with ReleaseWriter(tmp_path, "boutique", MADE_AT) as writer:
            writer.write_text("model_card.md", "half")
            assert directory(tmp_path).list_ids() == []
            raise RuntimeError("training failed")

    with pytest.raises(RuntimeError, match="training failed"):
        fail()
    assert list((tmp_path / "boutique").iterdir()) == []


def test_two_releases_of_one_second_have_two_versions(tmp_path):
    first, second = publish(tmp_path), publish(tmp_path)
    assert second.manifest.version == first.manifest.version + 1
    assert directory(tmp_path).list_ids() == [second.release_id, first.release_id]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: (path / "model_card.md").write_text("other"), "model_card.md has changed"),
        (lambda path: (path / "vocabulary.npz").unlink(), "vocabulary.npz is missing"),
        (lambda path: (path / "extra.bin").write_bytes(b"x"), "extra.bin is not listed"),
    ],
)
def test_a_damaged_release_is_told_by_its_checksums(tmp_path, damage, said):
    release = publish(tmp_path, **{"model_card.md": "about"})
    damage(release.path)
    with pytest.raises(ReleaseBroken, match=said):
        release.verify()


def test_manifests_that_do_not_fit_are_refused(tmp_path):
    release = publish(tmp_path)
    manifest = release.path / "release.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "shop_id": "apparel"}))
    with pytest.raises(ReleaseBroken, match="another release or shop"):
        directory(tmp_path).open(release.release_id)
    manifest.write_text("{}")
    with pytest.raises(ReleaseBroken, match="cannot be read"):
        directory(tmp_path).open(release.release_id)


@pytest.mark.parametrize("release_id", ["r1", "../boutique", "", "r20260131120000/.."])
def test_unknown_releases_are_not_found(tmp_path, release_id):
    publish(tmp_path)
    with pytest.raises(NotFound) as caught:
        directory(tmp_path).open(release_id)
    assert caught.value.reason == "RELEASE_UNKNOWN"


def test_pickles_are_neither_written_nor_read(tmp_path):
    with ReleaseWriter(tmp_path, "boutique", MADE_AT) as writer, pytest.raises(ValueError, match="objects"):
        writer.write_arrays("bad.npz", {"items": np.array([{"a": 1}], dtype=object)})
    with ReleaseWriter(tmp_path, "boutique", MADE_AT) as writer:
        np.savez(writer.path("bad.npz"), items=np.array([{"a": 1}], dtype=object))
        release = writer.publish(data_sha256="", spaces={}, calibrated=False)
    with pytest.raises(ValueError, match="allow_pickle"):
        release.load_arrays("bad.npz")


def test_labels_move_in_one_step_and_only_to_what_is_there(tmp_path):
    release = publish(tmp_path)
    shop = directory(tmp_path)
    assert shop.labels() == Labels()
    shop.write_labels(Labels(stable=release.release_id))
    assert shop.labels().stable == release.release_id
    with pytest.raises(NotFound):
        shop.write_labels(Labels(stable="r1", previous=release.release_id))
    assert shop.labels() == Labels(stable=release.release_id)
    assert not [path.name for path in shop.path.iterdir() if path.name.startswith(".labels")]


def test_only_folders_with_a_shops_name_are_shops(tmp_path):
    publish(tmp_path, "boutique")
    (tmp_path / ".trash").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    assert shop_ids(tmp_path) == ["boutique"]
    assert shop_ids(tmp_path / "absent") == []


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Loader:
    """Stands for a service: remembers what it was asked to load and let go."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.dropped: list[str] = []
        self.failing: set[str] = set()

    async def load(self, release: Release) -> str:
        self.loaded.append(release.release_id)
        await asyncio.sleep(0)
        if release.release_id in self.failing:
            raise RuntimeError("not enough memory")
        return f"loaded {release.release_id}"

    async def drop(self, loaded: str) -> None:
        self.dropped.append(loaded)


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watcher(tmp_path, loader, clock) -> ReleaseWatcher[str]:
    settings = WatchSettings(linger_s=30.0, retry_s=10.0)
    return ReleaseWatcher(tmp_path, loader.load, drop=loader.drop, settings=settings, clock=clock)


async def test_labelled_and_newest_releases_are_loaded_once_stable_first(tmp_path, watcher, loader):
    ids = [publish(tmp_path, day=day).release_id for day in range(5)]
    directory(tmp_path).write_labels(Labels(stable=ids[2], canary=ids[3], previous=ids[1]))
    await watcher.look()
    await watcher.look()
    assert loader.loaded == [ids[2], ids[3], ids[1], ids[4]]
    assert watcher.ready_ids("boutique") == [ids[4], ids[3], ids[2], ids[1]]
    assert watcher.get("boutique") == f"loaded {ids[2]}"
    assert watcher.get("boutique", ids[4]) == f"loaded {ids[4]}"
    assert watcher.known_shops() == ["boutique"]


async def test_a_label_whose_release_is_not_loaded_shows_in_the_metrics(tmp_path, watcher, loader, clock):
    def failures() -> float | None:
        return metrics().registry.get_sample_value("vitrine_release_failures_total", {"shop": "boutique"})

    def ready(label: str) -> float | None:
        return metrics().registry.get_sample_value("vitrine_label_ready", {"shop": "boutique", "label": label})

    stable, canary = (publish(tmp_path, day=day).release_id for day in range(2))
    directory(tmp_path).write_labels(Labels(stable=stable, canary=canary))
    await watcher.look()
    before = failures()
    assert before is not None  # from the start: alerts see its first step
    newer = publish(tmp_path, day=2).release_id
    loader.failing.add(newer)
    directory(tmp_path).write_labels(Labels(stable=stable, canary=newer))
    await watcher.look()
    assert failures() == before + 1
    assert (ready("stable"), ready("canary"), ready("previous")) == (1.0, 0.0, 1.0)
    loader.failing.clear()
    clock.now_s += 10.0
    await watcher.look()
    assert ready("canary") == 1.0


async def test_a_release_that_is_asked_for_is_loaded_until_the_asking_ends(tmp_path, watcher, loader, clock):
    ids = [publish(tmp_path, day=day).release_id for day in range(3)]
    shop, now = directory(tmp_path), datetime.now(UTC)
    shop.write_labels(Labels(stable=ids[2]))
    ask_for(shop, ids[0], now, 3_600.0)
    await watcher.look()
    assert watcher.ready_ids("boutique") == [ids[2], ids[0]]
    end_asking(shop, ids[0], now)
    await watcher.look()
    clock.now_s += 30.0
    await watcher.look()
    assert watcher.ready_ids("boutique") == [ids[2]]
    assert loader.dropped == [f"loaded {ids[0]}"]


async def test_what_is_not_ready_is_told_by_reason(tmp_path, watcher):
    with pytest.raises(NotReady) as unknown_shop:
        watcher.get("boutique")
    release = publish(tmp_path)
    await watcher.look()
    with pytest.raises(NotReady) as no_stable:
        watcher.get("boutique")
    with pytest.raises(NotReady) as unknown:
        watcher.get("boutique", "r1")
    assert {error.value.reason for error in (unknown_shop, no_stable, unknown)} == {"RELEASE_NOT_READY"}
    assert unknown.value.metadata == {"release_id": "r1", "ready": release.release_id}
    assert watcher.ready_ids("apparel") == []


async def test_promotion_and_rollback_move_the_label_over_loaded_releases(tmp_path, watcher, loader):
    old, new = (publish(tmp_path, day=day).release_id for day in range(2))
    shop = directory(tmp_path)
    shop.write_labels(Labels(stable=old))
    await watcher.look()
    shop.write_labels(Labels(stable=new, previous=old))
    await watcher.look()
    assert watcher.get("boutique") == f"loaded {new}"
    shop.write_labels(Labels(stable=old))
    await watcher.look()
    assert watcher.get("boutique") == f"loaded {old}"
    assert loader.loaded == [old, new]


async def test_a_release_no_longer_wanted_lingers_for_pages_under_way(tmp_path, watcher, loader, clock):
    ids = [publish(tmp_path, day=day).release_id for day in range(3)]
    shop = directory(tmp_path)
    shop.write_labels(Labels(stable=ids[0]))
    await watcher.look()
    shop.write_labels(Labels(stable=ids[2], previous=ids[1]))
    await watcher.look()
    clock.now_s += 29.0
    await watcher.look()
    assert watcher.get("boutique", ids[0]) == f"loaded {ids[0]}"
    clock.now_s += 1.0
    await watcher.look()
    with pytest.raises(NotReady):
        watcher.get("boutique", ids[0])
    assert loader.dropped == [f"loaded {ids[0]}"]


async def test_a_damaged_release_is_reported_and_never_loaded(tmp_path, watcher, loader, caplog):
    good, bad = publish(tmp_path, day=0), publish(tmp_path, day=1)
    (bad.path / "vocabulary.npz").write_bytes(b"damaged")
    directory(tmp_path).write_labels(Labels(stable=good.release_id))
    await watcher.look()
    assert loader.loaded == [good.release_id]
    assert "vocabulary.npz has changed" in watcher.failures("boutique")[bad.release_id]
    assert "cannot be used" in caplog.text


async def test_a_release_that_could_not_be_loaded_is_tried_again_later(tmp_path, watcher, loader, clock):
    release_id = publish(tmp_path).release_id
    loader.failing.add(release_id)
    await watcher.look()
    await watcher.look()
    assert loader.loaded == [release_id]
    assert watcher.ready_ids("boutique") == []
    loader.failing.clear()
    clock.now_s += 10.0
    await watcher.look()
    assert watcher.ready_ids("boutique") == [release_id]
    assert watcher.failures("boutique") == {}


async def test_a_warm_up_and_the_watch_do_not_load_twice(tmp_path, watcher, loader):
    release_id = publish(tmp_path).release_id
    await asyncio.gather(watcher.look(), watcher.look())
    assert loader.loaded == [release_id]


async def test_each_shop_has_its_own_releases(tmp_path, watcher):
    publish(tmp_path, "boutique")
    publish(tmp_path, "apparel", day=1)
    await watcher.look()
    assert watcher.known_shops() == ["apparel", "boutique"]
    with pytest.raises(NotReady):
        watcher.get("apparel", "r20260131120000")


async def test_one_shop_with_broken_labels_does_not_keep_the_others_from_loading(tmp_path, watcher, caplog):
    publish(tmp_path, "apparel")
    (tmp_path / "apparel" / "labels.json").write_text("not json")
    release = publish(tmp_path, "boutique")
    directory(tmp_path).write_labels(Labels(stable=release.release_id))
    await watcher.look()
    assert watcher.get("boutique") == f"loaded {release.release_id}"
    assert "labels.json" in caplog.text


async def test_the_watch_notices_new_releases(tmp_path, loader):
    watcher = ReleaseWatcher(tmp_path, loader.load, settings=WatchSettings(poll_s=0.001))
    watching = asyncio.create_task(watcher.watch())
    release = publish(tmp_path)
    async with asyncio.timeout(10.0):
        while not watcher.ready_ids("boutique"):
            await asyncio.sleep(0)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert loader.loaded == [release.release_id]
