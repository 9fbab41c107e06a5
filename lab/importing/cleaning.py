"""Cleans the words of a shop's export."""

import html
import re
import unicodedata
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser

_BLANKS = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\s*\n\s*")
_LINE_ENDS = ("p", "br", "li", "div", "tr", "h1", "h2", "h3", "h4", "h5", "h6")
_UNREAD = ("script", "style", "template", "iframe", "noscript")
_SHORT = 64
_WRITTEN_TWICE = re.compile(r"&(?:[a-z]{2,8}|#\d{1,6});")


def plain_text(text: str) -> str:
    """Resolve entities, drop control characters, and make every run of blanks one blank."""
    return _short_text(text) if len(text) <= _SHORT else _cleaned(text)


def _cleaned(text: str) -> str:
    return " ".join(_without_control(_entities(text)).split())


# Brands, levels of categories and sizes come again and again.
_short_text = lru_cache(maxsize=16_384)(_cleaned)


def text_of_html(markup: str) -> str:
    """Return what a reader sees of a piece of HTML: paragraphs as lines, no scripts, no tags, no entities."""
    if "<" not in markup:
        return plain_text(markup)
    tree = LexborHTMLParser(markup)
    tree.strip_tags(list(_UNREAD))
    for tag in _LINE_ENDS:
        for node in tree.css(tag):
            node.insert_after("\n")
    body = tree.body
    text = body.text(deep=True) if body is not None else ""
    text = _BLANKS.sub(" ", _without_control(_entities(text)))
    return _BLANK_LINES.sub("\n", text).strip()


def _entities(text: str) -> str:
    if "&" not in text:
        return text
    once = html.unescape(text)
    # Exports that were escaped twice ("&amp;trade;") are common enough to undo.
    return html.unescape(once) if _WRITTEN_TWICE.search(once) else once


def _without_control(text: str) -> str:
    if text.isprintable():
        return unicodedata.normalize("NFC", text)
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Co"))
    return unicodedata.normalize("NFC", "".join(kept).replace("\xa0", " "))
