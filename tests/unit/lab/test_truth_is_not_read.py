"""Nothing that a shop runs can reach the boutique's truth: not by an import, however many steps away, and not by name.

That a whole shop is imported and trained with its truth absent is tested on the ensemble: tests/e2e.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from lab.boutique.truth import FOLDER

ROOT = Path(__file__).parents[3]
WHAT_A_SHOP_RUNS = ("services", "storefront", "lab/importing", "lab/training", "lab/simulation", "lab/supervisor")
TRUTH = {"lab.boutique.truth", "lab.boutique.truth_files"}


def modules_below(folder: str) -> list[str]:
    paths = sorted((ROOT / folder).rglob("*.py"))
    return [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]


def path_of(module: str) -> Path | None:
    """The file of a module of ours; None for others."""
    place = ROOT.joinpath(*module.split("."))
    found = [path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()]
    return found[0] if found else None


@cache
def imports_of(module: str) -> frozenset[str]:
    """The modules of ours that a module imports, late imports included."""
    path = path_of(module)
    if path is None:
        return frozenset()
    named = set(names_of(ast.parse(path.read_text(encoding="utf-8"))))
    return frozenset(name for name in named if path_of(name) is not None)


def names_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reached_from(modules: list[str]) -> set[str]:
    reached, waiting = set[str](), list(modules)
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += imports_of(module)
    return reached


@pytest.mark.parametrize("folder", WHAT_A_SHOP_RUNS)
def test_no_import_leads_to_the_truth(folder: str) -> None:
    modules = modules_below(folder)
    assert len(modules) > 3
    assert reached_from(modules) & TRUTH == set()


def test_the_search_finds_the_truth_where_it_is_read() -> None:
    assert "lab.boutique.truth" in reached_from(["lab.evaluation.pages"])


@pytest.mark.parametrize("folder", ["services", "storefront", "lab/importing", "lab/training"])
def test_no_code_names_the_folder_of_the_truth(folder: str) -> None:
    texts = {
        node.value
        for module in modules_below(folder)
        if (path := path_of(module)) is not None
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert [text for text in texts if f"{FOLDER}/" in text or text == FOLDER] == []
