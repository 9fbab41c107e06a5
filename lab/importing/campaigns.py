"""Campaign rows become messages. A campaign is nested by nature, so its fields have fixed names and no mapping."""

from collections.abc import Callable, Mapping
from typing import Any

from lab.importing.columns import TimeZone
from lab.importing.events import DEVICES
from lab.importing.items import identifier
from lab.importing.money import is_currency
from lab.importing.problems import RowRefused
from lab.importing.times import moment
from vitrine.page_composer.v1 import merchandising_pb2 as pb

Row = Mapping[str, Any]
Dropped = Callable[[str], None]


def campaign_message(row: Row, picture_address: str, zone: TimeZone, on_dropped_picture: Dropped) -> pb.Campaign:
    """Return the campaign of a row; the service checks the rest.

    `picture_address` is put before relative banner pictures; without it they are left out, because nobody serves them.
    `zone` is where times without one were written.
    Raises: RowRefused.
    """
    campaign = pb.Campaign(
        campaign_id=identifier(row.get("campaign_id"), "campaign_id", required=True),
        name=str(row.get("name") or row.get("campaign_id")),
        segment=_segment(row.get("segment") or {}),
        item_filter=_item_filter(row.get("item_filter") or {}),
        frequency_cap=_whole(row, "frequency_cap"),
        budget_minor=_whole(row, "budget_minor"),
        priority=_whole(row, "priority"),
    )
    for name in ("starts_at", "ends_at"):
        try:
            getattr(campaign, name).FromDatetime(moment(zone.explicit(name, row.get(name))))
        except ValueError as error:
            raise RowRefused(name, f"{name}_malformed", str(error)) from error
    for banner in row.get("banners") or ():
        campaign.banners.append(_banner(banner, picture_address, on_dropped_picture))
    for coupon in row.get("coupons") or ():
        campaign.coupons.append(_coupon(coupon, str(row.get("currency", ""))))
    return campaign


def _segment(row: Row) -> pb.Segment:
    devices = []
    for name in _texts(row, "devices"):
        if name.lower() not in DEVICES:
            raise RowRefused("segment.devices", "device_unknown", f"{name!r} is none of {', '.join(DEVICES)}")
        devices.append(DEVICES[name.lower()])
    names = ("regions", "locales", "channels")
    return pb.Segment(devices=devices, **{name: _texts(row, name) for name in names})


def _item_filter(row: Row) -> pb.ItemFilter:
    values = {}
    for one, many in (("category", "categories"), ("brand", "brands"), ("seller", "sellers"), ("item_id", "item_ids")):
        values[many] = _texts(row, many) + ([str(row[one])] if row.get(one) else [])
    return pb.ItemFilter(**values)


def _banner(row: Row, picture_address: str, on_dropped_picture: Dropped) -> pb.Banner:
    image = str(row.get("image") or "")
    if image and not image.startswith(("/", "http://", "https://")):
        if not picture_address:
            on_dropped_picture(image)
        image = f"{picture_address.rstrip('/')}/{image}" if picture_address else ""
    return pb.Banner(
        banner_id=identifier(row.get("banner_id"), "banners.banner_id", required=True),
        titles=_titles(row, "banners.titles"),
        link=str(row.get("link") or "/"),
        image=image,
    )


def _coupon(row: Row, currency: str) -> pb.Coupon:
    coupon = pb.Coupon(
        coupon_id=identifier(row.get("coupon_id"), "coupons.coupon_id", required=True),
        titles=_titles(row, "coupons.titles"),
        code=str(row.get("code") or ""),
    )
    if row.get("discount_percent"):
        coupon.percent = _whole(row, "discount_percent")
    elif row.get("discount_minor"):
        coupon.amount.amount_minor = _whole(row, "discount_minor")
        coupon.amount.currency = str(row.get("currency") or currency)
        if not coupon.amount.currency:
            raise RowRefused("currency", "currency_missing", "an amount off needs a currency, of the coupon or the row")
        if not is_currency(coupon.amount.currency):
            unknown = f"{coupon.amount.currency[:10]!r} is no ISO 4217 currency such as EUR"
            raise RowRefused("currency", "currency_unknown", unknown)
    else:
        raise RowRefused("coupons", "discount_missing", "a coupon needs discount_percent or discount_minor")
    return coupon


def _titles(row: Row, field: str) -> dict[str, str]:
    titles = row.get("titles")
    if not isinstance(titles, dict) or not titles:
        raise RowRefused(field, "titles_missing", "titles must be a table by language with at least one")
    return {str(locale): str(text) for locale, text in titles.items()}


def _texts(row: Row, name: str) -> list[str]:
    value = row.get(name) or []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _whole(row: Row, name: str) -> int:
    value = row.get(name) or 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise RowRefused(name, f"{name}_malformed", f"{name} must be a whole number")
    return value
