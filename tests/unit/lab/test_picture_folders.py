"""Folders of pictures: what counts, what is refused, and what the files of answers look like."""

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lab.evaluation.image_figures import Said, Vectors, class_figures, retrieval_figures
from lab.evaluation.image_files import named_pictures, rejects_path, write_embeddings, write_rejects
from lab.evaluation.picture_folders import FolderRefused, RefusedPicture, find_class_folders, find_pictures
from services.item_vision.model.pictures import Picture


def picture_file(colour: tuple[int, int, int] = (200, 30, 30), format_: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, format_)
    return file.getvalue()


def write(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def test_pictures_are_found_at_any_depth_sorted_and_nothing_else(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "z.PNG": picture_file(),
            "a/b/c.jpeg": picture_file(format_="JPEG"),
            "a/note.txt": b"no picture",
            ".hidden/x.png": picture_file(),
            "a/.x.png": picture_file(),
        },
    )
    (root / "folder.png").mkdir()
    assert find_pictures(root).paths == ("a/b/c.jpeg", "z.PNG")


def test_broken_pictures_are_named_with_a_reason(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {"cut.png": picture_file()[:30], "empty.jpg": b"", "good.png": picture_file(), "text.jpg": b"hello there"},
    )
    (root / "link.png").symlink_to(root / "nowhere.png")
    decoded = list(find_pictures(root).decoded())
    refused = {each.path: each.reason for each in decoded if isinstance(each, RefusedPicture)}
    assert refused == {
        "cut.png": "PICTURE_UNREADABLE",
        "empty.jpg": "PICTURE_UNREADABLE",
        "link.png": "PICTURE_UNREADABLE",
        "text.jpg": "PICTURE_TYPE_UNSUPPORTED",
    }
    assert sum(isinstance(each, Picture) for each in decoded) == 1


def test_the_first_folder_is_the_class_and_strays_are_refused(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {"hat/a.png": picture_file(), "hat/old/b.png": picture_file(), "shoe/c.png": picture_file(), "d.png": b""},
    )
    folders = find_class_folders(root)
    assert dict(zip(folders.files.paths, folders.labels, strict=True)) == {
        "hat/a.png": "hat",
        "hat/old/b.png": "hat",
        "shoe/c.png": "shoe",
    }
    assert [(each.path, each.reason) for each in folders.refused] == [("d.png", "PICTURE_WITHOUT_CLASS")]


@pytest.mark.parametrize(
    ("files", "message"),
    [({}, "holds no picture"), ({"hat/a.png": b"x"}, "two class folders"), ({"a.png": b"x"}, "found: none")],
)
def test_folders_that_teach_nothing_are_refused(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(FolderRefused, match=message):
        find_class_folders(write(tmp_path, files))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FolderRefused, match="is no folder"):
        find_pictures(tmp_path / "none")


@pytest.mark.parametrize("name", ["said.csv", "said.csv.gz"])
def test_answers_are_written_the_same_every_time(tmp_path: Path, name: str) -> None:
    def written(folder: str) -> bytes:
        path = tmp_path / folder / name
        with named_pictures(path) as rows:
            rows.write("a/b,c.png", "t-shirt", 0.98765432)
            rows.write_refused("broken.png")
        return path.read_bytes()

    first, again = written("one"), written("two")
    assert first == again
    text = gzip.decompress(first).decode() if name.endswith(".gz") else first.decode()
    assert text == 'path,label,confidence\n"a/b,c.png",t-shirt,0.987654\nbroken.png,,0.000000\n'


def test_embeddings_are_read_without_pickle(tmp_path: Path) -> None:
    write_embeddings(tmp_path / "vectors", ["a.png", "ü.png"], np.eye(2, 3, dtype=np.float32))
    with np.load(tmp_path / "vectors", allow_pickle=False) as file:
        assert file["paths"].tolist() == ["a.png", "ü.png"]
        assert file["embeddings"].shape == (2, 3)


def test_rejects_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    path = rejects_path(tmp_path / "said.csv")
    assert path.name == "said.csv.rejects.jsonl"
    broken = RefusedPicture("a.png", "PICTURE_UNREADABLE", "the picture is empty")
    assert write_rejects(path, {"train": [], "images": [broken]}) == 1
    assert json.loads(path.read_text())["folder"] == "images"
    assert write_rejects(path, {"train": [], "images": []}) == 0
    assert not path.exists()


def test_class_figures_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.15, 0.85], [0.65, 0.35], [0.45, 0.55]], np.float32)
    figures = class_figures(Said(probabilities, np.array([0, 1, 0, 0])))
    assert figures["accuracy"]["mean"] == 0.75
    # Four bins of one: (.05 + .15 + .35 + .55) / 4.
    assert figures["calibration_error"]["mean"] == pytest.approx(0.275)
    assert figures["accuracy"]["low"] <= 0.75 <= figures["accuracy"]["high"]


def test_retrieval_compares_within_a_space_only() -> None:
    classes, alone = np.array([0, 0, 1, 1]), np.arange(4)
    good = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], np.float32)
    poor = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    figures = retrieval_figures(Vectors(poor, good, alone, np.zeros(4, np.int64)), classes)
    assert figures["map_at_10_embedding"]["mean"] == 1
    assert figures["map_at_10_gain"]["mean"] > 0
    assert retrieval_figures(Vectors(poor, good, alone, alone), classes) == {}
