"""`vitrine clean` removes a work folder with its database, and nothing else."""

from pathlib import Path

import pytest

from lab.commands.clean import clean
from lab.supervisor.ensemble import AlreadyRunning, Ensemble
from lab.supervisor.postgres import database_folder
from tests.integration.lab.test_supervisor import topology_of


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("dear", encoding="utf-8")
    clean(tmp_path, yes=True)
    assert (tmp_path / "letters").read_text(encoding="utf-8") == "dear"


def test_folder_and_database_go_together_once_nothing_runs(tmp_path: Path) -> None:
    work = tmp_path / "work"
    ensemble = Ensemble(work, topology=topology_of(work), free_ports=True)
    with ensemble:
        ensemble.start(["first"])
        folder = database_folder(work)
        assert (folder / "data" / "PG_VERSION").exists()
        with pytest.raises(AlreadyRunning):
            clean(work, yes=True)
    assert folder.exists()
    clean(work, yes=True)
    assert not folder.exists()
    assert not work.exists()
