"""Rows that are kept: measured once, and anew when anything that they depend on is another."""

from pathlib import Path

import numpy as np
import pytest

from lab.evaluation.kept_rows import KeptRows, code_sha256, files_sha256


class Maker:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> dict:
        self.asked += 1
        return {"ndcg": 0.125, "ranks": [1.0, 2.5], "nothing": float("nan")}


@pytest.fixture
def make() -> Maker:
    return Maker()


def test_a_row_is_measured_once_and_comes_back_as_it_was(tmp_path: Path, make: Maker) -> None:
    kept = KeptRows(tmp_path / "rows").under(model="ease", seed=1)
    first = kept.row("ease.1", make)
    assert first == KeptRows(tmp_path / "rows").under(seed=1, model="ease").row("ease.1", make)
    assert make.asked == 1
    assert first["ranks"] == [1.0, 2.5]
    assert first["nothing"] is None


@pytest.mark.parametrize("other", [{"seed": 2}, {"grid": "wider"}])
def test_a_row_under_another_key_is_measured_anew(tmp_path: Path, make: Maker, other: dict) -> None:
    kept = KeptRows(tmp_path).under(model="ease", seed=1)
    kept.row("ease.1", make)
    kept.under(**other).row("ease.1", make)
    assert make.asked == 2


def test_rows_of_a_changed_file_are_measured_anew(tmp_path: Path, make: Maker) -> None:
    data = tmp_path / "sequences.csv"
    for text in ("u,1,a\n", "u,1,a\n", "u,1,b\n"):
        data.write_text(text, encoding="utf-8")
        KeptRows(tmp_path / "rows").of_set("lastfm", [data]).row("ease.1", make)
    assert make.asked == 2


def test_a_file_that_was_cut_short_is_no_row(tmp_path: Path, make: Maker) -> None:
    kept = KeptRows(tmp_path)
    kept.row("ease.1", make)
    path = tmp_path / "ease.1.json"
    path.write_text(path.read_text("utf-8")[:-20], encoding="utf-8")
    assert kept.row("ease.1", make)["ndcg"] == 0.125
    assert make.asked == 2


def test_nothing_is_written_without_a_folder(tmp_path: Path, make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    KeptRows().of_set("lastfm", []).row("ease.1", make)
    assert list(tmp_path.iterdir()) == []


def test_code_is_told_by_all_of_ours_that_a_module_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "lab"
    package.mkdir()
    for name, text in {"one": "from lab.two import f\n", "two": "import numpy\n", "three": ""}.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr("lab.evaluation.kept_rows._ROOT", tmp_path)
    before = code_sha256(["lab.one"])
    (package / "three.py").write_text("x = 1\n", encoding="utf-8")
    assert code_sha256(["lab.one"]) == before
    (package / "two.py").write_text("import numpy as np\n", encoding="utf-8")
    assert code_sha256(["lab.one"]) != before


def test_the_order_of_files_counts(tmp_path: Path) -> None:
    names = [tmp_path / name for name in ("a", "b")]
    for number, path in enumerate(names):
        path.write_bytes(np.arange(number + 1).tobytes())
    assert files_sha256(names) != files_sha256(names[::-1])
