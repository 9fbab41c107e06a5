"""Variables in a compose file, filled in as compose does before it looks at the file's meaning."""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\{(?P<name>[A-Z][A-Z0-9_]*)(?P<sign>:[-?])(?P<rest>[^}]*)\}")


class VariableMissing(Exception):  # noqa: N818  named like the errors of kit
    """A variable that has no default is not set."""


def interpolated(text: str, environment: Mapping[str, str]) -> str:
    """Fill in `${NAME:-default}` and `${NAME:?message}`. Raises: VariableMissing."""

    def value(reference: re.Match[str]) -> str:
        given = environment.get(reference["name"], "")
        if not given and reference["sign"] == ":?":
            raise VariableMissing(f"{reference['name']}: {reference['rest']}")
        return given or reference["rest"]

    return _REFERENCE.sub(value, text)


def variables(text: str) -> dict[str, str | None]:
    """Return each variable with its default; None where it must be set."""
    return {found["name"]: None if found["sign"] == ":?" else found["rest"] for found in _REFERENCE.finditer(text)}
