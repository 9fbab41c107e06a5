"""Departments read off category paths."""

from storefront.departments import find, levels, tree_of

PATHS = ["Women/Dresses"] * 3 + ["Women/Tops"] * 2 + ["Home/Mugs"] * 4 + ["Men", "", "/Odd//Path/"]


def test_departments_are_ordered_by_how_much_they_hold():
    tree = tree_of(PATHS)
    assert [(one.path, one.item_count) for one in tree] == [("Women", 5), ("Home", 4), ("Men", 1), ("Odd", 1)]
    assert [one.name for one in tree[0].children] == ["Dresses", "Tops"]


def test_a_department_is_found_at_any_depth():
    tree = tree_of(PATHS)
    found = find(tree, "Women/Tops")
    assert found is not None
    assert found.item_count == 2
    assert find(tree, "Women/Hats") is None
    assert find(tree, "Wom") is None


def test_levels_name_the_way_down():
    assert levels("Women/Dresses") == [("Women", "Women"), ("Dresses", "Women/Dresses")]
    assert levels("") == []
