"""Draws a composed page in the terminal: sections as rows of cards."""

from collections.abc import Iterator
from datetime import UTC, datetime

from rich import box
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from lab.importing.money import decimals_of
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb

CARD_WIDTH = 26
TEXT_WIDTH = CARD_WIDTH - 4


def draw_page(page: pb.Page, out: Console) -> None:
    """Print a page as its visitor would see it, with the reasons and what was missing."""
    for section in page.sections:
        out.print(Padding(draw_section(section, out.width), (1, 0, 0, 0)))
    out.print(Padding(Rule(style="dim"), (1, 0, 0, 0)))
    for line in _foot(page):
        out.print(line)


def draw_section(section: pb.Section, width: int) -> RenderableType:
    """Return one section: a banner, a coupon strip, or a shelf."""
    if section.kind == pb.SECTION_KIND_BANNER:
        return Group(*(_banner(banner) for banner in section.banners))
    if section.kind == pb.SECTION_KIND_COUPON:
        return Columns([_coupon(coupon) for coupon in section.coupons], padding=(0, 1))
    head = Text(section.title, style="bold")
    if section.reason:
        head.append(f"   {section.reason}", style="dim italic")
    a_row = max(1, min(max(section.layout.columns, 1), (width - 2) // (CARD_WIDTH + 1)))
    shown = section.slots[:a_row] if section.layout.style == "row" else section.slots
    contents = [_card_lines(slot) for slot in shown]
    height = 2 + max((sum(_height(line) for line in lines) for lines in contents), default=0)
    cards = [_card(slot, lines, height) for slot, lines in zip(shown, contents, strict=True)]
    rows = [Columns(cards[start : start + a_row], padding=(0, 1)) for start in range(0, len(cards), a_row)]
    beyond = len(section.slots) - len(shown)
    return Group(head, *rows, *([Text(f"→ {beyond} more", style="dim")] if beyond else []))


def price_text(price: common_pb2.Money) -> str:
    """Return a price as written, such as "EUR 12.50"."""
    decimals = decimals_of(price.currency)
    return f"{price.currency} {price.amount_minor / 10**decimals:,.{decimals}f}"


def _card_lines(slot: pb.Slot) -> list[Text]:
    title = Text(slot.title)
    title.truncate(2 * TEXT_WIDTH - 6, overflow="ellipsis")  # leaves room for words that wrap early
    price = Text(price_text(slot.price), style="bold")
    if slot.HasField("list_price"):
        price.append(" ")
        price.append(price_text(slot.list_price).split(" ")[-1], style="strike dim")
    lines: list[Text] = [title, price]
    if slot.badges:
        lines.append(Text(" · ".join(slot.badges), style="magenta"))
    if slot.brand:
        lines.append(Text(slot.brand, style="dim"))
    if slot.reason:
        reason = Text(slot.reason, style="dim italic")
        reason.truncate(2 * TEXT_WIDTH - 6, overflow="ellipsis")
        lines.append(reason)
    return lines


def _height(line: Text) -> int:
    return 2 if line.cell_len > TEXT_WIDTH else 1


def _card(slot: pb.Slot, lines: list[Text], height: int) -> Panel:
    origin = pb.SlotOrigin.Name(slot.origin).removeprefix("SLOT_ORIGIN_").lower()
    subtitle = None if slot.origin == pb.SLOT_ORIGIN_SELECTED else f"[dim]{origin}[/]"
    return Panel(Group(*lines), box=box.ROUNDED, width=CARD_WIDTH, height=height, border_style="dim", subtitle=subtitle)


def _banner(banner: pb.BannerSlot) -> Panel:
    return Panel(Text(banner.title, style="bold", justify="center"), border_style="blue", subtitle=escape(banner.link))


def _coupon(coupon: pb.CouponSlot) -> Panel:
    ends = coupon.ends_at.ToDatetime(tzinfo=UTC) if coupon.HasField("ends_at") else None
    until = f"until {ends:%d %b}" if isinstance(ends, datetime) else None
    return Panel(f"{escape(coupon.title)}\n[bold]{escape(coupon.code)}[/]", border_style="magenta", subtitle=until)


def _foot(page: pb.Page) -> Iterator[str]:
    stages = "  ".join(f"{each.stage} {each.duration_us / 1000:.1f}" for each in page.timings)
    who = "personal" if page.personalised else "anonymous"
    release = page.versions.release_id or "none"
    yield f"[dim]{who} page, template {page.template_id}, release {release}, {page.locale}[/]"
    if stages:
        yield f"[dim]milliseconds: {stages}[/]"
    for degraded in page.degraded:
        yield f"[yellow]{degraded.dependency} was missing ({degraded.cause}); {degraded.stand_in} stood in[/]"
