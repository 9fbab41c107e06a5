"""What an earlier demo left is used again only where it fits."""

from pathlib import Path

import pytest

from lab.demo.state import AnotherBoutique, DemoState, read_state, write_state
from lab.supervisor.postgres import database_folder


def test_a_new_folder_has_nothing_done(tmp_path: Path) -> None:
    assert read_state(tmp_path, seed=7, items=400, users=500) == DemoState(7, 400, 500)


def test_another_boutique_is_refused_with_a_remedy(tmp_path: Path) -> None:
    write_state(tmp_path, DemoState(7, 400, 500, boutique_end="2026-11-22"))
    with pytest.raises(AnotherBoutique, match="vitrine clean"):
        read_state(tmp_path, seed=8, items=400, users=500)


def test_a_lost_boutique_keeps_its_end_so_that_it_is_made_the_same_again(tmp_path: Path) -> None:
    write_state(tmp_path, DemoState(7, 400, 500, boutique_end="2026-11-01", imported=True, release_id="r1"))
    state = read_state(tmp_path, seed=7, items=400, users=500)
    assert (state.boutique_end, state.imported, state.release_id) == ("2026-11-01", True, "")


def test_a_work_folder_made_anew_gets_another_database(tmp_path: Path) -> None:
    work = tmp_path / "work"
    first = database_folder(work)
    assert database_folder(work) == first
    (work / "secrets.json").unlink()
    assert database_folder(work) != first


def test_a_work_folder_that_moves_keeps_its_database(tmp_path: Path) -> None:
    first = database_folder(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    assert database_folder(tmp_path / "there") == first
