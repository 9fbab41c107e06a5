import numpy as np

from services.ranker.catalogue import Catalogue
from services.ranker.items import Items, add_missing, remembered
from services.ranker.row_map import RowMap
from services.ranker.vocabulary import Vocabulary
from tests.unit.ranker.test_catalogue import item


def vocabulary(*item_ids: str) -> Vocabulary:
    blank = [""] * len(item_ids)
    return Vocabulary(list(item_ids), list(item_ids), ["Aster"] * len(item_ids), blank, blank, blank)


def test_rows_and_positions_lead_back_to_each_other_as_the_catalogue_grows():
    rows, catalogue = RowMap(vocabulary("c", "a", "gone")), Catalogue()
    catalogue.put([item("a"), item("new")])
    rows.update(catalogue)
    assert rows.rows(np.array([0, 1])).tolist() == [1, -1]
    assert rows.positions(np.array([0, 1, 2])).tolist() == [-1, 0, -1]
    catalogue.put([item("c"), item("newer")])
    rows.update(catalogue)
    assert rows.rows(np.arange(4)).tolist() == [1, -1, 0, -1]
    assert rows.positions(np.array([0, 1, 2])).tolist() == [2, 0, -1]
    assert rows.fresh_positions().tolist() == [1, 3]
    assert not rows.complete


def test_a_mask_over_positions_becomes_one_over_rows():
    rows, catalogue = RowMap(vocabulary("c", "a", "gone")), Catalogue()
    assert rows.rows_allowed(np.zeros(0, np.bool_)).tolist() == [False, False, False]
    catalogue.put([item("a"), item("new"), item("c")])
    rows.update(catalogue)
    assert rows.rows_allowed(np.array([True, True, False])).tolist() == [False, True, False]
    assert rows.rows_allowed(np.array([True, True, True])).tolist() == [True, True, False]


def test_items_of_the_vocabulary_that_the_catalogue_lacks_get_a_position_as_deleted_ones():
    known, catalogue, rows = vocabulary("a", "gone"), Catalogue(), RowMap(vocabulary("a", "gone"))
    catalogue.put([item("a")])
    add_missing(catalogue, known, [5.0, 7.0])
    rows.update(catalogue)
    assert rows.complete
    assert catalogue.positions(["a", "gone"]).tolist() == [0, -1]
    assert catalogue.all_positions(["a", "gone"]).tolist() == [0, 1]
    assert catalogue.created_s.tolist() == [1_000.0, 7.0]


def test_the_remembered_catalogue_is_the_vocabulary():
    items = remembered(vocabulary("a", "b"), [5.0, 7.0])
    assert not items.live
    assert items.rows.positions(np.array([0, 1])).tolist() == [0, 1]
    assert items.catalogue.present.all()
    assert np.flatnonzero(items.catalogue.words.match("aster")).tolist() == [0, 1]


def test_an_item_is_known_by_the_catalogue_or_by_the_release():
    known, catalogue = vocabulary("a", "b"), Catalogue()
    catalogue.put([item("a"), item("b"), item("new"), item("new and gone")])
    catalogue.delete(["b", "new and gone"])
    rows = RowMap(known)
    rows.update(catalogue)
    items = Items(catalogue, rows)
    positions = items.positions(["new and gone", "new", "nobody", "b", "a"]).tolist()
    assert [catalogue.item_ids[position] for position in positions] == ["new", "b", "a"]
    assert items.positions([]).tolist() == []
