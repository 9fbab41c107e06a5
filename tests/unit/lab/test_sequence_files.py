"""Files of histories: what is read, what is refused and how it is said, what is written."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from lab.leaderboard.sequence_files import (
    SequenceFileRefused,
    attribute_matrix,
    read_attributes,
    read_sequences,
    refuse_output,
    write_rankings,
)

HEADER = "user_id,position,item_id\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_histories_are_put_in_the_order_of_their_positions(tmp_path):
    text = HEADER + "b,10,y\na,1,x\nb,9,z\n\na,0,z\n"
    found = read_sequences(written(tmp_path / "s.csv", text))
    assert found.user_ids == ["a", "b"]
    assert found.item_ids == ["x", "y", "z"]
    named = [[found.item_ids[row] for row in found.histories.of_user(user)] for user in range(2)]
    assert named == [["z", "x"], ["z", "y"]]


def test_columns_are_found_by_name_and_others_are_left_alone(tmp_path):
    found = read_sequences(written(tmp_path / "s.csv", '\ufeffitem_id, position ,note,user_id\n"i,1",-3,hm,u\n'))
    assert (found.user_ids, found.item_ids) == (["u"], ["i,1"])


def test_compressed_files_are_read(tmp_path):
    path = tmp_path / "s.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "u,0,i\n").encode()))
    assert read_sequences(path).item_ids == ["i"]


def test_another_vocabulary_leaves_out_what_it_lacks(tmp_path):
    found = read_sequences(written(tmp_path / "s.csv", HEADER + "u,0,x\nu,1,new\nv,0,new\nv,1,y\n"))
    over = found.over(["w", "x", "y"])
    assert over.item_count == 3
    assert [list(over.of_user(user)) for user in range(2)] == [[1], [2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; its first line must be the header user_id,position,item_id"),
        (HEADER, "holds no events below its header"),
        ("user_id,item_id\nu,i\n", "line 1: no column position"),
        ("user_id,position,item_id,item_id\n", "line 1: more than one column item_id"),
        (HEADER + "u,0,i\nu,1.5,j\n", "line 3: position '1.5' is not a whole number"),
        (HEADER + "u,,i\n", "line 2: position '' is not a whole number"),
        (HEADER + "u,0,i\nv,0,i\nu,0,j\n", "line 4: user u has position 0 already in line 2"),
        (HEADER + "u,0,i\nu,1\n", "line 3: 2 values where the header has 3"),
        (HEADER + ",0,i\n", "line 2: user_id is empty"),
        (HEADER + "u,0,\n", "line 2: item_id is empty"),
        (HEADER + 'u,0,"i\n', "is not CSV near line"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_remedy(tmp_path, text, message):
    path = written(tmp_path / "s.csv", text)
    with pytest.raises(SequenceFileRefused) as refused:
        read_sequences(path)
    assert message in str(refused.value)
    assert str(path) in str(refused.value)


def test_positions_without_order_may_repeat(tmp_path):
    path = written(tmp_path / "s.csv", HEADER + "u,0,j\nu,0,i\n")
    assert list(read_sequences(path, ordered=False).histories.of_user(0)) == [0, 1]


def test_files_that_are_not_what_their_name_says(tmp_path):
    plain = written(tmp_path / "plain.csv.gz", HEADER + "u,0,i\n")
    packed = tmp_path / "packed.csv"
    packed.write_bytes(gzip.compress((HEADER + "u,0,i\n").encode()))
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress((HEADER + "u,0,i\n" * 500).encode())[:-20])
    for path, message in (
        (plain, "is not whole gzip"),
        (cut, "is not whole gzip"),
        (packed, "let its name end in .gz"),
        (tmp_path, "is a folder"),
        (tmp_path / "none.csv", "No such file"),
    ):
        with pytest.raises(SequenceFileRefused, match=message):
            read_sequences(path)


def test_attributes_of_an_item_are_a_set(tmp_path):
    found = read_attributes(written(tmp_path / "a.csv", "item_id,attribute_ids\nx,a2|a1|a2\ny,\nx,a3\n"))
    assert found == {"x": {"a1", "a2", "a3"}, "y": frozenset()}
    matrix = attribute_matrix(found, ["x", "y", "z"])
    np.testing.assert_array_equal(matrix.toarray(), [[1, 1, 1], [0, 0, 0], [0, 0, 0]])


def test_attributes_need_their_columns(tmp_path):
    with pytest.raises(SequenceFileRefused, match="no column attribute_ids"):
        read_attributes(written(tmp_path / "a.csv", "item_id,attributes\nx,a\n"))


def test_rankings_are_the_same_bytes_every_time(tmp_path):
    lines = [("u", 1, "i,1", 0.25), ("u", 2, "j", -1.0)]
    paths = [tmp_path / "new" / name for name in ("a.csv.gz", "b.csv.gz", "c.csv")]
    for path in paths:
        assert write_rankings(path, iter(lines)) == 2
    assert paths[0].read_bytes() == paths[1].read_bytes()
    text = 'user_id,rank,item_id,score\nu,1,"i,1",0.25\nu,2,j,-1\n'
    assert gzip.decompress(paths[0].read_bytes()).decode() == paths[2].read_text() == text
    assert sorted(each.name for each in paths[0].parent.iterdir()) == ["a.csv.gz", "b.csv.gz", "c.csv"]


def test_an_output_that_cannot_be_written_is_refused_at_once(tmp_path):
    with pytest.raises(SequenceFileRefused, match="is a folder"):
        refuse_output(tmp_path)
    taken = written(tmp_path / "taken", "")
    with pytest.raises(SequenceFileRefused, match="choose another --output"):
        refuse_output(taken / "out.csv")


def test_a_prediction_that_fails_leaves_no_file(tmp_path):
    def failing():
        yield ("u", 1, "i", 1.0)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_rankings(tmp_path / "out.csv", failing())
    assert not list(tmp_path.iterdir())
