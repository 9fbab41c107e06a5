"""A report as one HTML page that needs nothing else and follows the reader's light or dark setting."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{
  color-scheme: light dark;
  --ink: #1d2329; --faint: #c3cad1; --paper: #fbfbfa; --card: #ffffff; --mark: #9a3412;
}}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e4e8ec; --faint: #4a525b; --paper: #14171a; --card: #1c2024; --mark: #fdba74; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }}
main {{ max-width: 84rem; margin: 0 auto; padding: 2rem 1rem 4rem; }}
h1 {{ font-size: 1.6rem; margin: 0 0 .5rem; }}
h2 {{ font-size: 1.05rem; margin: 0 0 .6rem; }}
.plots {{
  display: grid; gap: 1rem; margin: 1.5rem 0; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr));
}}
section {{ background: var(--card); border: 1px solid var(--faint); border-radius: .6rem; padding: 1rem; }}
.tables section {{ margin: 1rem 0; overflow-x: auto; }}
svg {{ width: 100%; height: auto; display: block; }}
article {{ margin: 2.5rem 0 0; border-top: 1px solid var(--faint); padding-top: 1rem; }}
article > h2 {{ font-size: 1.3rem; margin: 0 0 .3rem; }}
h3 {{ font-size: 1rem; margin: 0 0 .6rem; }}
nav ul {{ display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding: 0; margin: 1rem 0; list-style: none; }}
a {{ color: inherit; }}
p, li {{ max-width: 60rem; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{
  padding: .25rem .9rem .25rem 0; text-align: left; border-bottom: 1px solid var(--faint); white-space: nowrap;
}}
th {{ white-space: normal; vertical-align: bottom; }}
td.long {{ white-space: normal; min-width: 15rem; }}
code {{ overflow-wrap: anywhere; }}
.quick {{ color: var(--mark); font-weight: 600; }}
</style></head><body><main>
<h1>{heading}</h1>
{head}
{content}
</main></body></html>
"""

LONG = 48
"""Characters of a cell that may break into lines."""


@dataclass(frozen=True)
class Part:
    """A part of a long report."""

    title: str
    markdown: str
    """Our own paragraphs, which stand above all tables, and tables under bold titles."""
    plots: Sequence[tuple[str, str]] = ()
    """Title and SVG of each."""


def page(heading: str, markdown: str, plots: Sequence[tuple[str, str]], warning: str = "") -> str:
    """The page of a report.

    Args:
        heading: what it is about, such as "How fast it is".
        markdown: our own tables under bold titles; the first paragraph stands above the plots.
        plots: title and SVG of each.
        warning: said at the top; "" for none.

    """
    head, *blocks = _blocks(markdown, "h2")
    warned = f'<p class="quick">{html.escape(warning)}</p>' if warning else ""
    return _page(heading, head + warned, f"{_plots(plots, 'h2')}\n{_tables(blocks)}")


def page_of_parts(heading: str, markdown: str, parts: Sequence[Part]) -> str:
    """A long report: a list of its parts, then each with its tables and its plots.

    Args:
        heading: what it is about.
        markdown: stands above everything.
        parts: in their order; each has a place in the page that links can name.

    """
    entries = "".join(
        f'<li><a href="#part-{number}">{html.escape(part.title)}</a></li>' for number, part in enumerate(parts, start=1)
    )
    articles = [_article(number, part) for number, part in enumerate(parts, start=1)]
    contents = f'<nav aria-label="Parts"><ul>{entries}</ul></nav>'
    return _page(heading, "".join(_blocks(markdown, "h2")), "\n".join([contents, *articles]))


def _article(number: int, part: Part) -> str:
    blocks = _blocks(part.markdown, "h3")
    said = "".join(block for block in blocks if block.startswith("<p>"))
    tables = _tables([block for block in blocks if not block.startswith("<p>")])
    shown = f"{said}\n{tables}\n{_plots(part.plots, 'h3')}"
    return f'<article id="part-{number}"><h2>{html.escape(part.title)}</h2>\n{shown}</article>'


def _page(heading: str, head: str, content: str) -> str:
    title = f"Vitrine: {html.escape(heading[0].lower() + heading[1:])}"
    return _PAGE.format(title=title, heading=html.escape(heading), head=head, content=content)


def _plots(plots: Sequence[tuple[str, str]], level: str) -> str:
    shown = (f"<section><{level}>{html.escape(title)}</{level}>{svg}</section>" for title, svg in plots)
    return '<div class="plots">\n' + "\n".join(shown) + "\n</div>" if plots else ""


def _tables(blocks: Sequence[str]) -> str:
    return '<div class="tables">\n' + "\n".join(f"<section>{block}</section>" for block in blocks) + "\n</div>"


def _blocks(markdown: str, level: str) -> list[str]:
    """Our own tables' Markdown as HTML: titles, paragraphs and tables; a title goes with what follows it."""
    blocks: list[str] = []
    title = ""
    for part in markdown.split("\n\n"):
        if part.startswith("**") and part.endswith("**") and "\n" not in part:
            title += f"<{level}>{html.escape(part.strip('*'))}</{level}>"
        elif part.startswith("|"):
            blocks.append(title + _table(part))
            title = ""
        elif title:
            title += f"<p>{_inline(part)}</p>"
        else:
            blocks.append(f"<p>{_inline(part)}</p>")
    return [*blocks, title] if title else blocks


def _table(markdown: str) -> str:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines()]
    head = "".join(f'<th scope="col">{_inline(cell)}</th>' for cell in rows[0])
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows[2:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(text: str) -> str:
    """Figures stay in one line; what is long may break."""
    return f'<td class="long">{_inline(text)}</td>' if len(text) > LONG else f"<td>{_inline(text)}</td>"


def _inline(text: str) -> str:
    escaped = html.escape(text)
    escaped = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escaped)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", escaped)
