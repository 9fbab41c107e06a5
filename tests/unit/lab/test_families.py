"""Loops of parents are cut at the same place whatever the order in which they are read."""

from hypothesis import given
from hypothesis import strategies as st

from lab.importing.families import roots_of

IDS = st.sampled_from("abcdefgh")


def test_a_chain_leads_to_its_last_parent_and_a_loop_to_its_smallest_id() -> None:
    roots, loops = roots_of({"a": "b", "b": "c", "z": "y", "y": "x", "x": "z", "w": "y", "s": "s"})
    assert roots == {"a": "c", "b": "c", "x": "x", "y": "x", "z": "x", "w": "x", "s": "s"}
    assert loops == [["s"], ["x", "y", "z"]]


@given(st.dictionaries(IDS, IDS))
def test_every_child_has_a_root_that_is_a_root_itself(parent_of: dict[str, str]) -> None:
    roots, loops = roots_of(parent_of)
    assert set(roots) == set(parent_of)
    for child, root in roots.items():
        assert roots.get(root, root) == root
        assert roots.get(parent_of[child], parent_of[child]) == root
    assert all(loop == sorted(set(loop)) and roots[loop[0]] == loop[0] for loop in loops)
    assert roots_of(dict(reversed(parent_of.items()))) == (roots, loops)
