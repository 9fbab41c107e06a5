"""The import of pictures for items that are already there: a row an item and a picture."""

from collections.abc import Iterable, Sequence
from typing import Any

from lab.importing.columns import ColumnMapper
from lab.importing.items import MOST_IMAGES, identifier
from lab.importing.ledger import Ledger
from lab.importing.mapping import KindMapping
from lab.importing.picture_spool import PictureRow, PictureSpool
from lab.importing.pictures import PictureFolder, PictureMissing
from lab.importing.problems import RowRefused, Violation
from lab.importing.reading.rows import BrokenRow, Row
from lab.importing.sending import Services
from vitrine.item_vision.v1 import item_vision_pb2 as pb

ITEMS_AT_ONCE = 50
_Readable = tuple[PictureRow, Any]


class PictureImport:
    """One file of pictures. An item named in it has the file's pictures afterwards, in the file's order."""

    def __init__(
        self, mapping: KindMapping, pictures: PictureFolder, ledger: Ledger, services: Services | None
    ) -> None:
        self._ledger = ledger
        self._pictures = pictures
        self._services = services
        self._mapper = ColumnMapper(mapping, ledger.filled)

    def run(self, rows: Iterable[Row | BrokenRow]) -> None:
        """Import the rows; without services (a dry run) only the files are checked. Raises: ServiceRefused."""
        ledger = self._ledger
        with PictureSpool(ledger.folder.spool) as spool:
            if ledger.sent is None:
                self._read_all(rows, spool)
                if self._services is not None:
                    for page in self._services.item_pages(ledger.report.shop_id):
                        spool.put_facts(page)
                spool.seal()
                ledger.commit()
                ledger.checkpoint(sent=0)
            sent = ledger.sent or 0
            while chunk := spool.items_behind(sent, ITEMS_AT_ONCE):
                self._send(chunk)
                sent = chunk[-1].place
                ledger.commit()
                ledger.checkpoint(sent)

    def _read_all(self, rows: Iterable[Row | BrokenRow], spool: PictureSpool) -> None:
        for row in rows:
            self._ledger.read()
            if isinstance(row, BrokenRow):
                self._ledger.broken(row)
            else:
                self._take(row, spool)
            if self._ledger.open.heavy:
                self._ledger.commit()

    def _take(self, row: Row, spool: PictureSpool) -> None:
        try:
            fields = self._mapper.fields_of(row.values)
            item_id = identifier(fields.get("item_id"), "item_id", required=True)
            reference = str(fields.get("image", "")).strip()
            if not reference:
                raise RowRefused("image", "image_missing", "name the picture's file or address")
            outcome = spool.put(item_id, reference, row, MOST_IMAGES)
            if outcome == "full":
                raise RowRefused("image", "too_many_pictures", f"an item has at most {MOST_IMAGES} pictures")
            if outcome == "same":
                self._ledger.merged("same content")
        except RowRefused as refusal:
            self._ledger.rejected(row.line, refusal.violation, row.values)

    def _send(self, chunk: Sequence[Any]) -> None:
        """Send the pictures of some items; hold those whose item is not there."""
        services, shop_id = self._services, self._ledger.report.shop_id
        there = {}
        if services is not None:
            there = services.full_items(shop_id, [item.item_id for item in chunk if item.facts is not None])
        sent: list[list[_Readable]] = []
        messages = []
        for item in chunk:
            if services is not None and item.item_id not in there:
                self._ledger.superseded([item.item_id])
                for row in item.rows:
                    self._ledger.held(Row(row.line, row.values), [item.item_id])
                continue
            readable = self._readable(item.rows)
            if services is None:
                self._ledger.imported(len(readable))
            elif readable:
                sent.append(readable)
                facts = pb.ItemFacts.FromString(item.facts)
                messages.append(_with_pictures(there[item.item_id], facts, [picture for _, picture in readable]))
        if services is not None and messages:
            self._account(sent, services.send_items(shop_id, messages))
            self._ledger.superseded([message.item_id for message in messages])

    def _readable(self, rows: Sequence[PictureRow]) -> list[_Readable]:
        found = []
        for row in rows:
            try:
                found.append((row, self._pictures.picture(row.reference)))
            except PictureMissing as error:
                self._ledger.rejected(row.line, Violation("image", "picture_missing", str(error)), row.values)
        return found

    def _account(self, sent: list[list[_Readable]], answer: Any) -> None:
        refused: dict[tuple[int, int], Violation] = {}
        for error in answer.errors:
            violation = Violation(error.field, error.reason.lower(), error.description)
            place = _picture_index(error.field) if error.kept_item else -1
            refused[error.index, place] = violation
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
        created_at=item.created_at, variant_ids=item.variant_ids, vectors=item.brought_vectors,
    )  # fmt: skip
    if item.HasField("list_price"):
        message.list_price.CopyFrom(item.list_price)
    if facts.HasField("margin_ratio"):
        message.margin_ratio = facts.margin_ratio
    if item.HasField("stock"):
        message.stock = item.stock
    return message
