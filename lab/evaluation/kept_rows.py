"""Finished rows of a long comparison on disk, so that a run that was cut short goes on where it stopped."""

import ast
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lab
from lab.evaluation.reports import finite

Row = dict[str, Any]

OURS = ("lab", "services")
_ROOT = Path(lab.__file__).parent.parent


@dataclass(frozen=True)
class KeptRows:
    """A folder of rows, each with all that it depends on; what depends on anything else is made anew."""

    folder: Path | None = None
    """None: nothing is kept."""
    key: Mapping[str, Any] = field(default_factory=dict)
    """What every row here depends on: plain values."""

    def under(self, **key: Any) -> "KeptRows":
        """The same folder, for rows that depend on this too."""
        return replace(self, key={**self.key, **key})

    def of_set(self, name: str, paths: Iterable[Path]) -> "KeptRows":
        """A folder below, for rows of one data set, which depend on the contents of its files."""
        if self.folder is None:
            return self
        return replace(self, folder=self.folder / name).under(data=files_sha256(paths))

    def row(self, name: str, make: Callable[[], Row]) -> Row:
        """The row as it was kept under the same key, else as it is made now, with `measured_at`.

        Args:
            name: of its file; a row under another key with the same name is replaced.
            make: measures it; plain values.

        """
        if self.folder is None:
            return _stamped(make())
        path, key = self.folder / f"{name}.json", _plain(self.key)
        known = _read(path)
        if known.get("key") == key and "row" in known:
            return dict(known["row"])
        made: Row = _plain(_stamped(make()))
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps({"key": key, "row": made}) + "\n", encoding="utf-8")
        # Complete or not there: a run may be killed at any time.
        partial.replace(path)
        return made


def _stamped(row: Row) -> Row:
    return {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), **row}


def _plain(value: Any) -> Any:
    """As it comes back from a file, so that kept and new rows are alike."""
    return json.loads(json.dumps(finite(value)))


def _read(path: Path) -> Row:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def files_sha256(paths: Iterable[Path]) -> str:
    """One digest of the contents of files."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def code_sha256(modules: Iterable[str]) -> str:
    """One digest of modules' files and of all of ours that they import: a row is of the code that measured it."""
    known: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        path = _source(name)
        if path is not None:
            known[name] = path
            waiting += _imported(path)
    return files_sha256(known[name] for name in sorted(known))


def _source(name: str) -> Path | None:
    """The file of one of our modules; found by its place, for looking it up by name would import what is above it."""
    first, *rest = name.split(".")
    if first not in OURS:
        return None
    place = _ROOT.joinpath(first, *rest)
    return next((each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()), None)


def _imported(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # What is imported from a package may be a module of it.
            found += [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
    return found
