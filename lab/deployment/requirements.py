"""The pinned requirements of each image: the part of requirements.txt that one extra needs, hashes and all.

Nothing is resolved anew and no network is asked: what needs what is read from the installed packages.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

IMAGE_PYTHON = "3.12"
OWN_NAME = "vitrine"
EXTRAS = {
    "user_profile": "user-profile",
    "item_vision": "item-vision",
    "ranker": "ranker",
    "page_composer": "page-composer",
    "storefront": "storefront",
    "lab": "lab",
}
"""Image → its extra in pyproject.toml."""
MESSAGES = "tensorflow_messages"
"""File with the packages that the ranker needs only the message classes of."""
MESSAGES_ONLY = {"ranker": frozenset({"tensorflow", "tensorflow-serving-api"})}
"""Image → packages that are not installed in it; the Dockerfile copies their generated `*_pb2.py` files (ADR 0015)."""

_IMAGE = {
    "python_version": IMAGE_PYTHON,
    "python_full_version": f"{IMAGE_PYTHON}.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "os_name": "posix",
}
_PIN = re.compile(r"^[A-Za-z0-9._-]+==", re.MULTILINE)


class RequirementsBroken(Exception):  # noqa: N818  named like the errors of kit
    """Something is needed that requirements.txt does not pin."""


@dataclass(frozen=True)
class Project:
    """What pyproject.toml asks for and requirements.txt pins."""

    dependencies: tuple[str, ...]
    extras: Mapping[str, tuple[str, ...]]
    pins: Mapping[str, str]
    """Normalised name → the lines of its pin, hashes included."""


def read_project(root: Path) -> Project:
    """Read both files below the repository's root."""
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: tuple(needs) for name, needs in project["optional-dependencies"].items()}
    return Project(tuple(project["dependencies"]), extras, _pins((root / "requirements.txt").read_text("utf-8")))


def requirement_files(root: Path) -> dict[str, str]:
    """Return the content of every file in deploy/requirements by name. Raises: RequirementsBroken."""
    project = read_project(root)
    files = {f"{image}.txt": _file_of(project, image) for image in EXTRAS}
    messages = sorted(frozenset[str]().union(*MESSAGES_ONLY.values()))
    return {**files, f"{MESSAGES}.txt": "".join(project.pins[name] for name in messages)}


def _file_of(project: Project, image: str) -> str:
    needed = _closure(project, EXTRAS[image], MESSAGES_ONLY.get(image, frozenset()))
    missing = sorted(needed - project.pins.keys())
    if missing:
        raise RequirementsBroken(
            f"{image} needs {', '.join(missing)}, not in requirements.txt: run `make requirements`"
        )
    return "".join(project.pins[name] for name in sorted(needed))


def _pins(text: str) -> dict[str, str]:
    """Pins by normalised name; of several for one package the one for the images' Python."""
    starts = [match.start() for match in _PIN.finditer(text)]
    blocks = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    pins: dict[str, str] = {}
    for block in blocks:
        requirement = Requirement(block.partition("\\")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate(_IMAGE):
            pins[canonicalize_name(requirement.name)] = block
    return pins


def _closure(project: Project, extra: str, without: frozenset[str]) -> set[str]:
    """Names of all that an extra needs on an image's platform; itself and `without` are left out."""
    open_questions = [*_parsed(project.dependencies), *_parsed(project.extras[extra])]
    asked: set[tuple[str, str]] = set()
    while open_questions:
        requirement = open_questions.pop()
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if (name, wanted) not in asked and name not in without:
                asked.add((name, wanted))
                open_questions += _needs(project, name, wanted)
    return {name for name, _ in asked} - {OWN_NAME}


def _needs(project: Project, name: str, extra: str) -> Iterator[Requirement]:
    if name == OWN_NAME:
        return _parsed(project.extras.get(extra, ()))
    try:
        return _parsed(requires(name) or (), extra)
    except PackageNotFoundError:  # pinned for images, not needed by this Python
        return iter(())


def _parsed(lines: tuple[str, ...] | list[str], extra: str = "") -> Iterator[Requirement]:
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({**_IMAGE, "extra": extra}):
            yield requirement
