"""Who belongs to whom when rows name each other: loops are cut, always at the same place."""

from collections.abc import Mapping


def roots_of(parent_of: Mapping[str, str]) -> tuple[dict[str, str], list[list[str]]]:
    """Return the root of every child, and the loops that were cut.

    A chain leads to its last parent. The members of a loop, and whoever hangs on it, belong to its smallest id, which
    is its own root. A loop lists its members in ascending order; loops come by their smallest id.
    """
    root_of: dict[str, str] = {}
    loops: list[list[str]] = []
    for start in sorted(parent_of):
        path: dict[str, int] = {}
        here = start
        while here in parent_of and here not in root_of and here not in path:
            path[here] = len(path)
            here = parent_of[here]
        if here in path:
            loop = sorted(list(path)[path[here] :])
            loops.append(loop)
            root = loop[0]
        else:
            root = root_of.get(here, here)
        root_of.update(dict.fromkeys(path, root))
    return root_of, sorted(loops)
