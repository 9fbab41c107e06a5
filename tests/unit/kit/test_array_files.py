from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.array_files import ALIGNMENT, map_arrays, write_arrays
from services.kit.texts import pack_texts, unpack_texts

LARGE = np.arange(30_000, dtype=np.float32).reshape(-1, 3)


def test_what_is_written_is_mapped_and_numpy_reads_it_too(tmp_path: Path) -> None:
    arrays = {"large": LARGE, "small": np.array(3.5, np.float32), "none": np.zeros((0, 4), np.int32)}
    write_arrays(tmp_path / "a.npz", arrays)
    mapped = map_arrays(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as loaded:
        for name, array in arrays.items():
            for read in (mapped[name], loaded[name]):
                np.testing.assert_array_equal(read, array)
                assert read.dtype == array.dtype
    assert isinstance(mapped["large"].base, np.memmap)
    assert mapped["large"].ctypes.data % ALIGNMENT == 0


def test_a_mapped_array_cannot_be_written_to(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", {"large": LARGE})
    with pytest.raises(ValueError, match="read-only"):
        map_arrays(tmp_path / "a.npz")["large"][0] = 1.0


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_files_of_numpys_own_making_are_read(tmp_path: Path, save: object) -> None:
    save(tmp_path / "a.npz", large=LARGE, turned=np.asfortranarray(LARGE))
    for array in map_arrays(tmp_path / "a.npz").values():
        np.testing.assert_array_equal(array, LARGE)


def test_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        write_arrays(tmp_path / "a.npz", {"bad": np.array([{}], object)})


def test_the_same_arrays_make_the_same_file(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_arrays(tmp_path / name, {"large": LARGE})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@given(st.lists(st.sampled_from(["", "Aster", "连衣裙", "a/b"]) | st.text(st.characters(blacklist_characters="\x00"))))
def test_texts_come_back_as_they_were(texts: list[str]) -> None:
    texts = [text.encode(errors="ignore").decode() for text in texts]
    for column in (texts, texts * 5):
        assert unpack_texts("x", pack_texts("x", column)) == column
        assert unpack_texts("x", {"x": np.array(column or [""], np.str_)[: len(column)]}) == [
            text.rstrip("\x00") for text in column
        ]


def test_texts_with_the_separator_are_refused() -> None:
    with pytest.raises(ValueError, match="column x"):
        pack_texts("x", ["a\x00b"])
