"""A rule as a form holds it, and as the contract does."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import merchandising_pb2

EFFECTS = ("pin", "boost", "exclude", "cap")
DEVICES = {
    "desktop": common_pb2.DEVICE_DESKTOP,
    "tablet": common_pb2.DEVICE_TABLET,
    "phone": common_pb2.DEVICE_PHONE,
}
Form = Mapping[str, str]


@dataclass
class Problems:
    """What is wrong, by field of the contract."""

    found: list[tuple[str, str]] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)

    def of(self, *fields: str) -> str:
        """What is wrong with fields or anything below them."""
        hits = [
            (name, text)
            for name, text in self.found
            if any(name == one or name.startswith((f"{one}.", f"{one}[")) for one in fields)
        ]
        self.shown.update(name for name, _ in hits)
        return "; ".join(text for _, text in hits)

    def rest(self) -> list[tuple[str, str]]:
        """What no field of the form was asked about."""
        return [(name, text) for name, text in self.found if name not in self.shown]


def rule_of(form: Form, problems: Problems) -> merchandising_pb2.Rule:
    """The rule that a form describes. Text that is no number or time is added to problems."""
    rule = merchandising_pb2.Rule(rule_id=form.get("rule_id", ""), note=form.get("note", ""))
    for name, moment in (("starts_at", rule.starts_at), ("ends_at", rule.ends_at)):
        _time(form.get(name, ""), f"rule.{name}", moment, problems)
        if not form.get(name):
            rule.ClearField(name)  # type: ignore[arg-type]
    segment = merchandising_pb2.Segment(
        regions=words(form.get("regions", "")),
        locales=words(form.get("locales", "")),
        devices=[device for name, device in DEVICES.items() if form.get(f"device_{name}") == "1"],
        channels=words(form.get("channels", "")),
    )
    if segment.ByteSize():
        rule.segment.CopyFrom(segment)
    _effect(form, rule, problems)
    return rule


def _effect(form: Form, rule: merchandising_pb2.Rule, problems: Problems) -> None:
    effect = form.get("effect", "")
    items = merchandising_pb2.ItemFilter(
        categories=words(form.get("categories", "")),
        brands=words(form.get("brands", "")),
        sellers=words(form.get("sellers", "")),
        item_ids=words(form.get("item_ids", "")),
    )
    if effect == "pin":
        rule.pin.item_id = form.get("pin_item_id", "")
        rule.pin.shelf = form.get("pin_shelf", "")
        rule.pin.position = _whole(form.get("pin_position", "0"), "rule.pin.position", problems)
    elif effect == "boost":
        rule.boost.items.CopyFrom(items)
        rule.boost.factor = _number(form.get("factor", ""), "rule.boost.factor", problems)
    elif effect == "exclude":
        rule.exclude.items.CopyFrom(items)
    elif effect == "cap":
        rule.cap.facet = form.get("cap_facet", "")
        rule.cap.value = form.get("cap_value", "")
        rule.cap.item_count = _whole(form.get("cap_count", ""), "rule.cap.item_count", problems)


def form_of(rule: merchandising_pb2.Rule) -> dict[str, str]:
    """The form that describes a rule: the inverse of `rule_of`."""
    effect = rule.WhichOneof("effect") or "pin"
    items = rule.exclude.items if effect == "exclude" else rule.boost.items
    form = {
        "rule_id": rule.rule_id,
        "note": rule.note,
        "starts_at": _local(rule.starts_at) if rule.HasField("starts_at") else "",
        "ends_at": _local(rule.ends_at) if rule.HasField("ends_at") else "",
        "regions": ", ".join(rule.segment.regions),
        "locales": ", ".join(rule.segment.locales),
        "channels": ", ".join(rule.segment.channels),
        "effect": effect,
        "categories": ", ".join(items.categories),
        "brands": ", ".join(items.brands),
        "sellers": ", ".join(items.sellers),
        "item_ids": ", ".join(items.item_ids),
        "pin_item_id": rule.pin.item_id,
        "pin_shelf": rule.pin.shelf,
        "pin_position": str(rule.pin.position),
        "factor": f"{rule.boost.factor:g}" if effect == "boost" else "1.5",
        "cap_facet": rule.cap.facet or "brand",
        "cap_value": rule.cap.value,
        "cap_count": str(rule.cap.item_count or 3),
    }
    for name, device in DEVICES.items():
        form[f"device_{name}"] = "1" if device in rule.segment.devices else ""
    return form


def summary(rule: merchandising_pb2.Rule) -> str:
    """What a rule does, in a line."""
    effect = rule.WhichOneof("effect")
    if effect == "pin":
        place = f"“{rule.pin.shelf}”" if rule.pin.shelf else "the first shelf"
        return f"Pins {rule.pin.item_id} at position {rule.pin.position} of {place}"
    if effect == "boost":
        return f"Multiplies the value of {filtered(rule.boost.items)} by {rule.boost.factor:g}"
    if effect == "exclude":
        return f"Never shows {filtered(rule.exclude.items)}"
    if effect == "cap":
        value = rule.cap.value or f"each {rule.cap.facet}"
        return f"Shows at most {rule.cap.item_count} items of {value} on a page"
    return "Does nothing"


def filtered(items: merchandising_pb2.ItemFilter) -> str:
    """What a filter names, in words."""
    parts = [*items.categories, *items.brands, *items.sellers, *items.item_ids]
    return ", ".join(parts[:4]) + (f" and {len(parts) - 4} more" if len(parts) > 4 else "") or "nothing"


def audience(segment: merchandising_pb2.Segment) -> str:
    """Whom a segment names, in words."""
    names = {device: name for name, device in DEVICES.items()}
    parts: Iterable[str] = (
        *segment.regions,
        *segment.locales,
        *(names.get(device, str(device)) for device in segment.devices),
        *segment.channels,
    )
    return ", ".join(parts) or "everyone"


def words(text: str) -> list[str]:
    """Entries of a list typed with commas or lines between them."""
    return [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]


def _whole(text: str, name: str, problems: Problems) -> int:
    if text.isdigit() and int(text) < 2**31:
        return int(text)
    problems.found.append((name, "a whole number"))
    return 0


def _number(text: str, name: str, problems: Problems) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        problems.found.append((name, "a number, such as 1.5"))
        return 0.0


def _time(text: str, name: str, moment: Timestamp, problems: Problems) -> None:
    if not text:
        return
    try:
        moment.FromDatetime(datetime.fromisoformat(text).replace(tzinfo=UTC))
    except ValueError:
        problems.found.append((name, "a date and time, such as 2026-12-01T08:00"))


def time_of(text: str, name: str, problems: Problems) -> Timestamp | None:
    """The time that a form's field says (UTC); None when it is empty or unreadable."""
    if not text:
        return None
    moment = Timestamp()
    before = len(problems.found)
    _time(text, name, moment, problems)
    return moment if len(problems.found) == before else None


def _local(moment: Timestamp) -> str:
    return moment.ToDatetime(UTC).strftime("%Y-%m-%dT%H:%M")
