"""`vitrine evaluate images` on drawn pictures, from the command line to the files."""

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lab.commands import application, main
from tests.model.item_vision.drawings import COLOURS, SHAPES, encoded, pixels

BROKEN = "deep/er/broken.jpg"
# Two trainings, each a minute where the machine is busy.
pytestmark = pytest.mark.timeout(900)


def draw(folder: Path, first_seed: int, per_kind: int, *, labelled: bool) -> None:
    for number, (shape, colour) in enumerate((shape, colour) for shape in SHAPES for colour in COLOURS):
        for copy in range(per_kind):
            place = folder / (shape if labelled else f"n{number}")
            place.mkdir(parents=True, exist_ok=True)
            file_format = ("PNG", "JPEG")[copy % 2]
            (place / f"{colour}{copy}.{file_format.lower()}").write_bytes(
                encoded(pixels(shape, colour, first_seed + 10 * number + copy, 96), file_format)
            )


def command(train: Path, images: Path, output: Path) -> list[str]:
    options = {
        "train": train, "images": images, "output": output / "said.csv", "embeddings": output / "looks.npz",
        "report": output / "figures.json", "networks": 2, "epochs": 1, "seed": 3,
    }  # fmt: skip
    return ["evaluate", "images", *(str(part) for name, value in options.items() for part in (f"--{name}", value))]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Labelled and unlabelled pictures, some of both broken, and the answers about them."""
    root = tmp_path_factory.mktemp("pictures")
    draw(root / "train", 0, 2, labelled=True)
    draw(root / "images", 500, 1, labelled=False)
    for broken in (root / "images" / BROKEN, root / "train" / "disc" / "broken.png"):
        broken.parent.mkdir(parents=True, exist_ok=True)
        broken.write_bytes(b"\xff\xd8\xff and no more")
    result = CliRunner().invoke(application, command(root / "train", root / "images", root / "out"))
    assert result.exit_code == 0, result.output
    return root, result.output


def rows(path: Path) -> dict[str, tuple[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row["path"]: (row["label"], row["confidence"]) for row in csv.DictReader(file)}


def test_every_picture_has_a_row_and_its_shape(folders):
    root, output = folders
    said = rows(root / "out/said.csv")
    assert len(said) == 10
    assert said.pop(BROKEN) == ("", "0.000000")
    right = [label == SHAPES[int(path.split("/")[0][1:]) // 3] for path, (label, _) in said.items()]
    assert sum(right) >= 8
    assert all(0 < float(confidence) <= 1 for _, confidence in said.values())
    assert "9 pictures named" in " ".join(output.split())
    assert "2 files refused" in " ".join(output.split())


def test_embeddings_lie_beside_their_paths(folders):
    root, _ = folders
    with np.load(root / "out/looks.npz", allow_pickle=False) as file:
        assert file["paths"].tolist() == [path for path in rows(root / "out/said.csv") if path != BROKEN]
        np.testing.assert_allclose(np.linalg.norm(file["embeddings"], axis=1), 1, atol=1e-5)


def test_figures_come_with_intervals(folders):
    root, output = folders
    figures = json.loads((root / "out/figures.json").read_text())
    for name in ("accuracy", "calibration_error", "accuracy_at_90_percent_coverage", "map_at_10_embedding"):
        assert figures[name]["low"] <= figures[name]["mean"] <= figures[name]["high"]
        assert name.replace("_", " ") in output
    assert figures["pictures"] == 18


def test_what_is_refused_has_a_reason(folders):
    root, _ = folders
    lines = [json.loads(line) for line in (root / "out/said.csv.rejects.jsonl").read_text().splitlines()]
    assert [(line["folder"], line["path"], line["reason"]) for line in lines] == [
        ("train", "disc/broken.png", "PICTURE_UNREADABLE"),
        ("images", BROKEN, "PICTURE_UNREADABLE"),
    ]


def test_a_row_depends_on_its_own_picture_alone_and_the_seed_repeats(folders, tmp_path):
    """Other pictures beside it, in other places of the batch, and a second training: the same row."""
    root, _ = folders
    shutil.copytree(root / "images/n4", tmp_path / "images/z/n4")
    draw(tmp_path / "images", 700, 2, labelled=False)
    result = CliRunner().invoke(application, command(root / "train", tmp_path / "images", tmp_path / "out"))
    assert result.exit_code == 0, result.output
    before, after = rows(root / "out/said.csv"), rows(tmp_path / "out/said.csv")
    assert before["n4/green0.png"] == after["z/n4/green0.png"]
    with np.load(root / "out/looks.npz") as one, np.load(tmp_path / "out/looks.npz") as other:
        first = one["embeddings"][one["paths"].tolist().index("n4/green0.png")]
        second = other["embeddings"][other["paths"].tolist().index("z/n4/green0.png")]
    np.testing.assert_allclose(first, second, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "is no folder"),
        ({"--precision": "int4"}, "int4"),
        ({"--backbone": "keras:MobileNetV3Small"}, "name their file with --weights"),
    ],
)
def test_mistakes_end_in_one_readable_message(monkeypatch, tmp_path, capsys, options, message):
    arguments = ["evaluate", "images", "--train", "none", "--images", "none", "--output", "said.csv"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["vitrine", *arguments, *(part for pair in options.items() for part in pair)])
    with pytest.raises(SystemExit):
        main()
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in " ".join(error.split())
