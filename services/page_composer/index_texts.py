"""Texts of a shop's items in one run of bytes: a million titles without a million objects."""

from collections.abc import Mapping, Sequence

SEPARATOR = "\x00"
_BETWEEN_IDS = "\x1f"
_FIRST_TITLE = 4


class TextRun:
    """Bytes that only grow: what was handed out stays where it is, however the catalogue changes."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._bytes)

    def append(self, parts: Sequence[str]) -> tuple[int, int]:
        """Keep texts; returns where they begin and how many bytes they take."""
        start, joined = len(self._bytes), SEPARATOR.join(parts)
        if joined.count(SEPARATOR) != len(parts) - 1:
            joined = SEPARATOR.join(part.replace(SEPARATOR, "") for part in parts)
        self._bytes += joined.encode()
        return start, len(self._bytes) - start

    def read(self, start: int, length: int) -> list[str]:
        """The texts that `append` kept there."""
        return self._bytes[start : start + length].decode().split(SEPARATOR)

    def copy_of(self, start: int, length: int, source: "TextRun") -> int:
        """Take over another run's texts; returns where they begin."""
        begin = len(self._bytes)
        self._bytes += source._bytes[start : start + length]
        return begin


def parts_of(family_id: str, link: str, etag: str, linked: Sequence[str], titles: Mapping[str, str]) -> list[str]:
    """An item's texts in a row: family, link, picture's tag, linked items, then language and title in turn."""
    parts = [family_id, link, etag, _BETWEEN_IDS.join(linked)]
    for language, title in titles.items():
        parts += (language, title)
    return parts


def titles_of(parts: Sequence[str]) -> dict[str, str]:
    """The titles among `parts_of`."""
    return dict(zip(parts[_FIRST_TITLE::2], parts[_FIRST_TITLE + 1 :: 2], strict=True))


def linked_of(parts: Sequence[str]) -> tuple[str, ...]:
    """The linked items among `parts_of`."""
    return tuple(parts[3].split(_BETWEEN_IDS)) if parts[3] else ()
