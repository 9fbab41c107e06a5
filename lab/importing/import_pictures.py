"""The import of pictures for items that are already there: a row an item and a picture."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from lab.importing.columns import ColumnMapper
from lab.importing.items import MOST_IMAGES, identifier
from lab.importing.ledger import Ledger
from lab.importing.mapping import KindMapping
from lab.importing.pictures import PictureFolder, PictureMissing
from lab.importing.problems import RowRefused, Violation
from lab.importing.reading.rows import BrokenRow, Row
from lab.importing.sending import Services
from vitrine.item_vision.v1 import item_vision_pb2 as pb

ITEMS_AT_ONCE = 50


class PictureImport:
    """One file of pictures. An item named in it has the file's pictures afterwards, in the file's order."""

    def __init__(
        self, mapping: KindMapping, pictures: PictureFolder, ledger: Ledger, services: Services | None
    ) -> None:
        self._ledger = ledger
        self._pictures = pictures
        self._services = services
        self._mapper = ColumnMapper(mapping, ledger.filled)
        self._by_item: dict[str, list[tuple[Row, str]]] = {}

    def run(self, rows: Iterable[Row | BrokenRow]) -> None:
        """Import the rows; without services (a dry run) only the files are checked. Raises: ServiceRefused."""
        for row in rows:
            self._take(row)
        facts = {}
        if self._services is not None:
            facts = {each.item_id: each for each in self._services.item_facts(self._ledger.report.shop_id)}
        items = iter(self._by_item.items())
        while chunk := list(islice(items, ITEMS_AT_ONCE)):
            self._send(chunk, facts)

    def _take(self, row: Row | BrokenRow) -> None:
        self._ledger.read()
        if isinstance(row, BrokenRow):
            self._ledger.broken(row)
            return
        fields = self._mapper.fields_of(row.values)
        try:
            item_id = identifier(fields.get("item_id"), "item_id", required=True)
            reference = str(fields.get("image", "")).strip()
            if not reference:
                raise RowRefused("image", "image_missing", "name the picture's file or address")
            taken = self._by_item.setdefault(item_id, [])
            if reference in (known for _, known in taken):
                self._ledger.merged("same content")
                return
            if len(taken) == MOST_IMAGES:
                raise RowRefused("image", "too_many_pictures", f"an item has at most {MOST_IMAGES} pictures")
            taken.append((row, reference))
        except RowRefused as refusal:
            self._ledger.rejected(row.line, refusal.violation, row.values)

    def _send(self, chunk: Sequence[tuple[str, list[tuple[Row, str]]]], facts: dict[str, Any]) -> None:
        readable = [(item_id, self._readable(rows)) for item_id, rows in chunk]
        if self._services is None:
            for _, rows in readable:
                self._ledger.imported(len(rows))
            return
        shop_id = self._ledger.report.shop_id
        request = pb.GetItemsRequest(shop_id=shop_id, item_ids=[item_id for item_id, _ in chunk], full=True)
        there = {item.item_id: item for item in self._services.catalogue.GetItems(request).items}
        sent: list[list[tuple[Row, Any]]] = []
        messages = []
        for item_id, rows in readable:
            if item_id in there and item_id in facts and rows:
                sent.append(rows)
                messages.append(_with_pictures(there[item_id], facts[item_id], [picture for _, picture in rows]))
            elif rows:
                unknown = Violation("item_id", "item_unknown", f"there is no item {item_id}; import the items first")
                for row, _ in rows:
                    self._ledger.rejected(row.line, unknown, row.values)
        self._account(sent, self._services.send_items(shop_id, messages) if messages else None)

    def _readable(self, rows: list[tuple[Row, str]]) -> list[tuple[Row, Any]]:
        found = []
        for row, reference in rows:
            try:
                found.append((row, self._pictures.picture(reference)))
            except PictureMissing as error:
                self._ledger.rejected(row.line, Violation("image", "picture_missing", str(error)), row.values)
        return found

    def _account(self, sent: list[list[tuple[Row, Any]]], answer: Any) -> None:
        refused: dict[tuple[int, int], Violation] = {}
        for error in answer.errors if answer is not None else ():
            violation = Violation(error.field, error.reason.lower(), error.description)
            place = _picture_index(error.field) if error.kept_item else -1
            refused[(error.index, place)] = violation
        for index, rows in enumerate(sent):
            for place, (row, _) in enumerate(rows):
                why = refused.get((index, -1)) or refused.get((index, place))
                if why is None:
                    self._ledger.imported()
                else:
                    self._ledger.rejected(row.line, why, row.values)


def _picture_index(field: str) -> int:
    """Return the k of a field named `images[k]`; 0 when it names none."""
    digits = "".join(character for character in field if character.isdigit())
    return int(digits) if digits else 0


def _with_pictures(item: pb.Item, facts: pb.ItemFacts, pictures: Sequence[Any]) -> pb.ItemInput:
    """Return the item as the shop would send it again, with other pictures."""
    message = pb.ItemInput(
        item_id=item.item_id, family_id=item.family_id, titles=item.titles, descriptions=item.descriptions,
        price=item.price, brand=item.brand, category=item.category, seller=item.seller, regions=facts.regions,
        minimum_age=facts.minimum_age, images=pictures, link=item.link, attributes=item.attributes,
        created_at=item.created_at,
    )  # fmt: skip
    if item.HasField("list_price"):
        message.list_price.CopyFrom(item.list_price)
    if facts.HasField("margin_ratio"):
        message.margin_ratio = facts.margin_ratio
    if item.HasField("stock"):
        message.stock = item.stock
    return message
