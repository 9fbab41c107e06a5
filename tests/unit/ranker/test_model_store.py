"""When the embedded model server loads and frees versions; tests/contract/model_server has the real loading."""

from pathlib import Path

import pytest

from services.kit.errors import NotFound
from services.kit.executor import BoundedExecutor
from services.ranker.model_server import model_store
from services.ranker.model_server.model_store import STATES, Model, ModelStore


class Loaded:
    """Stands for a model in the C++ runtime."""

    def __init__(self, folder: Path) -> None:
        if (folder / "broken").exists():
            raise ValueError("no model")
        self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for version in ("1", "2", "3"):
        (tmp_path / "base" / version).mkdir(parents=True)
    (tmp_path / "base" / "not a version").mkdir()
    return tmp_path / "base"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, base: Path) -> ModelStore:
    monkeypatch.setattr(model_store, "LoadedModel", Loaded)
    store = ModelStore(BoundedExecutor("loading"), versions_kept=1)
    store.configure({"fusion": Model(base)})
    return store


def states(store: ModelStore) -> dict[int, int]:
    return {number: version.state for number, version in store.model("fusion").versions.items()}


async def test_the_newest_versions_are_loaded(store):
    await store.look()
    assert states(store) == {3: STATES.AVAILABLE}
    assert store.version("fusion", None)[0] == 3


async def test_a_version_is_closed_only_when_nothing_runs_on_it(store, base):
    await store.look()
    _, version = store.version("fusion", 3)
    model = version.model
    version.running = 1
    (base / "3").rmdir()
    await store.look()
    assert states(store) == {2: STATES.AVAILABLE, 3: STATES.UNLOADING}
    assert not model.closed
    with pytest.raises(NotFound):
        store.version("fusion", 3)
    version.running = 0
    await store.look()
    assert states(store) == {2: STATES.AVAILABLE, 3: STATES.END}
    assert model.closed


async def test_a_version_that_comes_back_before_it_is_idle_is_served_again(store, base):
    await store.look()
    _, version = store.version("fusion", 3)
    version.running = 1
    (base / "3").rmdir()
    await store.look()
    (base / "3").mkdir()
    await store.look()
    assert store.version("fusion", 3)[1] is version
    assert not version.model.closed


async def test_a_version_that_comes_back_later_is_loaded_anew(store, base):
    await store.look()
    (base / "3").rmdir()
    await store.look()
    (base / "3").mkdir()
    await store.look()
    assert states(store) == {2: STATES.END, 3: STATES.AVAILABLE}


async def test_labelled_versions_are_kept_whatever_their_age(store, base):
    store.configure({})
    await store.look()
    store.configure({"fusion": Model(base, lambda: frozenset({1, 99}))})
    await store.look()
    assert states(store) == {1: STATES.AVAILABLE, 3: STATES.AVAILABLE}


async def test_a_broken_version_is_tried_again_only_after_a_while(store, base, monkeypatch):
    (base / "3" / "broken").touch()
    await store.look()
    ended = store.model("fusion").versions[3]
    assert (ended.state, ended.problem) == (STATES.END, "no model")
    (base / "3" / "broken").unlink()
    await store.look()
    assert states(store)[3] == STATES.END
    monkeypatch.setattr(model_store, "RETRY_S", 0.0)
    await store.look()
    assert states(store)[3] == STATES.AVAILABLE


async def test_a_model_that_is_no_longer_listed_is_let_go(store, base):
    await store.look()
    model = store.version("fusion", 3)[1].model
    store.configure({"other": Model(base)})
    await store.look()
    assert model.closed
    assert store.version("other", None)[0] == 3
    with pytest.raises(NotFound):
        store.model("fusion")


async def test_a_model_at_another_path_replaces_the_old_one(store, base, tmp_path):
    await store.look()
    model = store.version("fusion", 3)[1].model
    (tmp_path / "elsewhere" / "3").mkdir(parents=True)
    store.configure({"fusion": Model(tmp_path / "elsewhere")})
    await store.look()
    assert model.closed
    assert not store.version("fusion", 3)[1].model.closed


async def test_a_base_path_that_is_not_there_yet_has_no_versions(store, base):
    store.configure({"fusion": Model(base), "later": Model(base / "nowhere")})
    await store.look()
    with pytest.raises(NotFound):
        store.model("later")
