"""The import of items: read and check every row, make products of variants, send them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

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
from lab.importing.variants import children_of, merge_variants

ITEMS_A_STREAM = 500


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
            self._send_all(islice(self._products(spool), sent, None), sent)
            if self._whole is not None and self._services is not None:
                reconcile(spool, ledger, self._services, self._whole)

    def _read_all(self, rows: Iterable[Row | BrokenRow], spool: Spool) -> None:
        variants = self._mapping.variants
        for row in rows:
            record = self._read(row)
            if self._ledger.open.heavy:
                self._ledger.commit()
            if record is None or not isinstance(row, Row):
                self._name(row, spool)
                continue
            if spool.put_item(row.line, record, row.values) == "replaced":
                self._ledger.note(f"line {row.line}: item {record['item_id']} again with other content; this row wins")
            if variants is not None and variants.children is not None:
                spool.name_variants(record["item_id"], children_of(row.values, variants.children))
            if variants is not None and variants.parent and row.values.get(variants.parent):
                spool.name_variants(str(row.values[variants.parent]).strip(), [record["item_id"]])

    def _name(self, row: Row | BrokenRow, spool: Spool) -> None:
        """Remember which item a rejected row means, so that it is not taken for one that is gone."""
        named = self._mapper.fields_of(row.values).get("item_id") if isinstance(row, Row) else None
        try:
            spool.name(identifier(named, "item_id", required=True))
        except RowRefused:
            spool.nameless(row.line)

    def _settle(self, spool: Spool) -> None:
        """Cut loops of variants and rings of families, and say where."""
        ledger = self._ledger
        if self._mapping.variants is not None:
            chained, loops = spool.settle_variants()
            ledger.filled("variants: a variant's variant belongs to the product above both", chained)
            ledger.filled("variants: a loop is cut at its smallest id", len(loops))
            for loop in loops:
                ledger.note(f"{' and '.join(loop[:5])} name each other as variants; {loop[0]} is taken as the product")
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

    def _products(self, spool: Spool) -> Iterator[Product]:
        rules = self._mapping.variants
        for own in spool.products():
            variants = spool.variants_of(own.item_id) if rules is not None else []
            record = own.record
            if rules is not None:
                record = merge_variants(record, [each.record for each in variants], rules, self._ledger.filled)
                record["variant_ids"] = list(
                    dict.fromkeys([*record.get("variant_ids", []), *spool.variant_ids_of(own.item_id)])
                )
            yield Product(record, own, variants)

    def _states(self, rows: Iterable[Row | BrokenRow]) -> Iterator[Product]:
        for row in rows:
            record = self._read(row)
            if record is not None and isinstance(row, Row):
                yield Product(record, Spooled(record["item_id"], row.line, 0, 0, record, row.values), ())

    def _send_all(self, products: Iterator[Product], sent: int | None) -> None:
        """Send products in chunks; `sent` of a spool are behind us, None when the rows are sent as they are read."""
        while chunk := list(islice(products, ITEMS_A_STREAM)):
            self._send(list(self._complete(chunk)))
            self._ledger.commit()
            sent = sent + len(chunk) if sent is not None else None
            self._ledger.checkpoint(sent)

    def _complete(self, products: Iterable[Product]) -> Iterator[tuple[Product, Any]]:
        for product in products:
            try:
                record = complete_item(product.record, self._ledger.filled)
            except RowRefused as refusal:
                self._reject(product, refusal.violation)
            else:
                yield product, item_message(record, self._pictures, self._ledger)

    def _send(self, chunk: list[tuple[Product, Any]]) -> None:
        refused: dict[int, Violation] = {}
        self._ledger.shaped(shape_of_items(message for _, message in chunk))
        if self._services is not None:
            answer = self._services.send_items(self._ledger.report.shop_id, [message for _, message in chunk])
            self._count(answer)
            for error in answer.errors:
                if error.kept_item:
                    self._ledger.dangling("pictures", value=f"{error.item_id}: {error.field}")
                    self._ledger.note(f"item {error.item_id}: {error.field} left out: {error.description}")
                else:
                    refused[error.index] = Violation(error.field, error.reason.lower(), error.description)
        for position, (product, _) in enumerate(chunk):
            if position in refused:
                self._reject(product, refused[position])
            else:
                self._accept(product)

    def _accept(self, product: Product) -> None:
        self._ledger.imported()
        for spooled in (product.own, *product.variants):
            self._ledger.merged("same content", spooled.same_count)
            self._ledger.merged("same id, the later row wins", spooled.replaced_count)
        self._ledger.merged("variant of a product", len(product.variants))

    def _reject(self, product: Product, violation: Violation) -> None:
        for spooled in (product.own, *product.variants):
            why = violation
            if spooled is not product.own:
                why = Violation("", "product_rejected", f"its product {product.own.item_id} is rejected; mend that row")
            for _ in range(1 + spooled.same_count + spooled.replaced_count):
                self._ledger.rejected(spooled.line, why, spooled.original)

    def _count(self, answer: Any) -> None:
        for name in ("created_count", "updated_count", "unchanged_count", "rejected_count", "revived_count"):
            self._ledger.open.service[name] += int(getattr(answer, name))
