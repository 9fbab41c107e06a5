"""The import of items: read and check every row, make products of variants, send them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from lab.background import Task
from lab.importing.columns import ColumnMapper
from lab.importing.item_messages import item_message
from lab.importing.items import Record, complete_item, identifier, read_item
from lab.importing.ledger import Ledger
from lab.importing.mapping import KindMapping
from lab.importing.pictures import PictureFolder
from lab.importing.problems import RowRefused, Violation
from lab.importing.reading.rows import BrokenRow, Row
from lab.importing.reconcile import Reconcile, reconcile
from lab.importing.sending import Services
from lab.importing.shape import shape_of_items
from lab.importing.spool import Spool, Spooled
from lab.importing.tally import Tally
from lab.importing.variants import children_of, merge_variants

ITEMS_A_STREAM = 2_000
BYTES_A_STREAM = 32 * 2**20
"""Pictures are most of it."""
_COUNTED = ("created_count", "updated_count", "unchanged_count", "rejected_count", "revived_count")


@dataclass(frozen=True)
class Product:
    """An item ready to be sent, with the rows it was made of."""

    record: Record
    own: Spooled
    variants: Sequence[Spooled]


class ItemImport:
    """One file of items."""

    def __init__(
        self,
        mapping: KindMapping,
        pictures: PictureFolder,
        ledger: Ledger,
        services: Services | None,
        whole: Reconcile | None = None,
    ) -> None:
        self._whole = whole
        self._mapping = mapping
        self._pictures = pictures
        self._ledger = ledger
        self._services = services
        self._mapper = ColumnMapper(mapping, ledger.filled)
        only_id = {name: rule for name, rule in mapping.fields.items() if name == "item_id"}
        self._names = ColumnMapper(mapping.model_copy(update={"fields": only_id}), lambda _: None)

    def run(self, rows: Iterable[Row | BrokenRow]) -> None:
        """Import the rows; without services (a dry run) everything is done but the sending.

        Raises: ServiceRefused.
        """
        if self._mapping.states:
            self._send_all(self._states(rows), sent=None)
            return
        ledger = self._ledger
        with Spool(ledger.folder.spool) as spool:
            if ledger.sent is None:
                self._read_all(rows, spool)
                self._settle(spool)
                ledger.open.dangling("variants", count=spool.missing_variant_count())
                spool.seal()
                ledger.commit()
                ledger.checkpoint(sent=0)
            sent = ledger.sent or 0
            self._send_all(self._products(spool, sent), sent)
            if self._whole is not None and self._services is not None:
                reconcile(spool, ledger, self._services, self._whole)

    def _read_all(self, rows: Iterable[Row | BrokenRow], spool: Spool) -> None:
        for row in rows:
            record = self._read(row)
            if self._ledger.open.heavy:
                self._ledger.commit()
            if record is None or not isinstance(row, Row):
                self._name(row, spool)
                continue
            if spool.put_item(row.line, record, row.values) == "replaced":
                self._ledger.note(f"line {row.line}: item {record['item_id']} again with other content; this row wins")
            self._name_children(record["item_id"], row, spool)
            parent = variants.parent if (variants := self._mapping.variants) is not None else ""
            if parent and row.values.get(parent):
                spool.name_variants(str(row.values[parent]).strip(), [record["item_id"]])

    def _name_children(self, item_id: str, row: Row, spool: Spool) -> None:
        if self._mapping.variants is not None and self._mapping.variants.children is not None:
            spool.name_variants(item_id, children_of(row.values, self._mapping.variants.children))

    def _name(self, row: Row | BrokenRow, spool: Spool) -> None:
        """Remember which item a rejected row means, so that it is not taken for one that is gone."""
        try:
            named = self._names.fields_of(row.values).get("item_id") if isinstance(row, Row) else None
            item_id = identifier(named, "item_id", required=True)
            spool.name(item_id)
            if isinstance(row, Row):
                self._name_children(item_id, row, spool)
        except RowRefused:
            spool.nameless(row.line)

    def _settle(self, spool: Spool) -> None:
        """Cut loops of variants and rings of families, and say where; reject the variants of rejected products."""
        ledger = self._ledger
        if self._mapping.variants is not None:
            chained, loops = spool.settle_variants()
            ledger.filled("variants: a variant's variant belongs to the product above both", chained)
            ledger.filled("variants: a loop is cut at its smallest id", len(loops))
            for loop in loops:
                ledger.note(f"{' and '.join(loop[:5])} name each other as variants; {loop[0]} is taken as the product")
            for product_id, orphan in spool.orphans():
                _reject_rows(orphan, _product_rejected(product_id), ledger.open)
                if ledger.open.heavy:
                    ledger.commit()
            spool.drop_orphans()
        if "family_id" in self._mapping.fields:
            rings = spool.settle_families()
            ledger.filled("family_id: a ring of items becomes one family", len(rings))
            for ring in rings:
                ledger.note(f"{' and '.join(ring[:5])} name each other as their family; it is called {ring[0]}")

    def _read(self, row: Row | BrokenRow) -> Record | None:
        self._ledger.read()
        if isinstance(row, BrokenRow):
            self._ledger.broken(row)
            return None
        try:
            fields = self._mapper.fields_of(row.values)
            return read_item(fields, self._mapping.price_unit, self._ledger.filled)
        except RowRefused as refusal:
            self._ledger.rejected(row.line, refusal.violation, row.values)
            return None

    def _products(self, spool: Spool, skip: int) -> Iterator[Product]:
        rules = self._mapping.variants
        for own in spool.products(skip):
            variants = spool.variants_of(own.item_id) if rules is not None else []
            record = own.record
            if rules is not None:
                record = merge_variants(record, [each.record for each in variants], rules, self._ledger.filled)
                record["variant_ids"] = list(
                    dict.fromkeys([*record.get("variant_ids", []), *spool.variant_ids_of(own.item_id)])
                )
            yield Product(record, own, variants)

    def _states(self, rows: Iterable[Row | BrokenRow]) -> Iterator[Product | None]:
        """Yield what the rows say, and None where so many are rejected that it is time to account for them."""
        for row in rows:
            record = self._read(row)
            if record is not None and isinstance(row, Row):
                yield Product(record, Spooled(record["item_id"], row.line, 0, 0, record, row.values), ())
            elif self._ledger.open.heavy:
                yield None

    def _send_all(self, products: Iterator[Product | None], sent: int | None) -> None:
        """Send products in chunks, the next one made ready while one is under way.

        `sent` of a spool are behind us, None when the rows are sent as they are read.
        """
        under_way: _Chunk | None = None
        while chunk := self._ready(products):
            if under_way is not None:
                sent = self._settle_chunk(under_way, sent)
            under_way = self._start(chunk)
        if under_way is not None:
            self._settle_chunk(under_way, sent)

    def _ready(self, products: Iterator[Product | None]) -> "_Chunk | None":
        """Make messages of the next products, as many as fit into one stream; None at the end."""
        chunk, size = _Chunk(), 0
        for product in islice(products, ITEMS_A_STREAM):
            chunk.count += 1
            if product is None:
                break
            try:
                record = complete_item(product.record, self._ledger.filled)
            except RowRefused as refusal:
                _reject(product, refusal.violation, self._ledger.open)
                if self._ledger.open.heavy:
                    break
                continue
            chunk.products.append(product)
            chunk.messages.append(item_message(record, self._pictures, self._ledger))
            size += chunk.messages[-1].ByteSize()
            if size > BYTES_A_STREAM:
                break
        if not chunk.count:
            return None
        self._ledger.shaped(shape_of_items(chunk.messages))
        chunk.tally = self._ledger.cut()
        return chunk

    def _start(self, chunk: "_Chunk") -> "_Chunk":
        services, shop_id = self._services, self._ledger.report.shop_id
        if services is not None and chunk.messages:
            chunk.sending = Task("send items", lambda: services.send_items(shop_id, chunk.messages))
        return chunk

    def _settle_chunk(self, chunk: "_Chunk", sent: int | None) -> int | None:
        """Wait for a chunk, count what became of it, and make that the place where a killed import goes on."""
        tally, refused = chunk.tally, dict[int, Violation]()
        answer = chunk.sending.result() if chunk.sending is not None else None
        for name in _COUNTED if answer is not None else ():
            tally.service[name] += int(getattr(answer, name))
        for error in answer.errors if answer is not None else ():
            if error.kept_item:
                tally.dangling("pictures", value=f"{error.item_id}: {error.field}")
                tally.note(f"item {error.item_id}: {error.field} left out: {error.description}")
            else:
                refused[error.index] = Violation(error.field, error.reason.lower(), error.description)
        for position, product in enumerate(chunk.products):
            if position in refused:
                _reject(product, refused[position], tally)
            else:
                _accept(product, tally)
        self._ledger.commit(tally)
        sent = sent + chunk.count if sent is not None else None
        self._ledger.checkpoint(sent)
        return sent


@dataclass
class _Chunk:
    """Products that are sent together."""

    products: list[Product] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    count: int = 0
    """With the products that were rejected before they could be sent."""
    tally: Tally = field(default_factory=Tally)
    sending: Task[Any] | None = None


def _accept(product: Product, tally: Tally) -> None:
    tally.imported()
    for spooled in (product.own, *product.variants):
        tally.merged("same content", spooled.same_count)
        tally.merged("same id, the later row wins", spooled.replaced_count)
    tally.merged("variant of a product", len(product.variants))


def _reject(product: Product, violation: Violation, tally: Tally) -> None:
    for spooled in (product.own, *product.variants):
        why = violation
        if spooled is not product.own:
            why = _product_rejected(product.own.item_id)
        _reject_rows(spooled, why, tally)


def _reject_rows(spooled: Spooled, why: Violation, tally: Tally) -> None:
    for _ in range(1 + spooled.same_count + spooled.replaced_count):
        tally.rejected(spooled.line, why, spooled.original)


def _product_rejected(product_id: str) -> Violation:
    return Violation("", "product_rejected", f"its product {product_id} is rejected; mend that row")
