"""What can be wrong with a row, a file or a mapping, always with what to do about it."""

# ruff: noqa: N818  named for what was refused, like the errors of kit

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """Why a row is not imported."""

    field: str
    """The field at fault, such as "price_minor"; empty when it is the row as a whole."""
    reason: str
    """Stable code, lower case, such as "price_missing"; the report counts by it."""
    remedy: str
    """What is wrong and what to do, in one sentence."""


class RowRefused(Exception):
    """A row that cannot be imported."""

    def __init__(self, field: str, reason: str, remedy: str) -> None:
        super().__init__(f"{field}: {remedy}" if field else remedy)
        self.violation = Violation(field, reason, remedy)


class FileRefused(Exception):
    """A file that cannot be read at all, or not further. The message names the file, the cause and the remedy."""


class MappingRefused(Exception):
    """A mapping file that does not say what it should. The message names the file and every problem in it."""


class ServiceRefused(Exception):
    """A service that could not be reached or ended the import. The message says what to do."""
