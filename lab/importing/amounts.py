"""How many, and at what price: what shops write about a line of a purchase, as the contract wants it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lab.importing.mapping import KindMapping
from lab.importing.money import is_currency, minor_units
from lab.importing.problems import RowRefused

LARGEST_QUANTITY = 10_000
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Amounts:
    """A mapping's rules for quantities and prices."""

    price_unit: str = "minor"
    price_of: Literal["one", "line"] = "one"
    measured_above: int | None = None
    zero_pieces: Literal["reject", "one"] = "reject"

    @classmethod
    def of(cls, mapping: KindMapping) -> "Amounts":
        """The rules of a mapping."""
        return cls(mapping.price_unit, mapping.price_of, mapping.measured_above, mapping.zero_pieces)

    def quantity_fills(self, quantity: int) -> list[str]:
        """Return what the report says about a quantity as written that counts as one piece."""
        if quantity == 0:
            return ["quantity: 1 where 0 is written"]
        measured = self.measured_above is not None and quantity > self.measured_above
        return [f"quantity: 1 for measures above {self.measured_above}"] if measured else []

    def pieces(self, quantities: Numbers) -> Numbers:
        """Return how many pieces quantities as written are: one where it is a measure, or nothing."""
        most = LARGEST_QUANTITY if self.measured_above is None else self.measured_above
        return np.where((quantities > most) | (quantities == 0), 1, quantities)

    def quantity(self, written: Any) -> int:
        """Return the number as written, which may be a measure, or 0 where that counts. Raises: RowRefused."""
        highest = LARGEST_QUANTITY if self.measured_above is None else 10**9
        number = whole_number(written, "quantity", 0, highest)
        if number == 0 and self.zero_pieces == "reject":
            remedy = 'a line of nothing is no event; leave such lines out, or say zero_pieces = "one" in the mapping'
            raise RowRefused("quantity", "quantity_zero", remedy)
        return number

    def price(self, written: Any, currency: str) -> int:
        """Return the amount as written, in minor units. Raises: RowRefused."""
        if not is_currency(currency):
            remedy = f"{currency[:10]!r} is no ISO 4217 currency such as EUR; map it with values"
            raise RowRefused("currency", "currency_unknown", remedy)
        try:
            amount = minor_units(written, currency, self.price_unit)
        except ValueError as error:
            raise RowRefused("price", "price_malformed", str(error)) from error
        if amount < 0:
            remedy = "a return is not a purchase with a negative price; leave it out"
            raise RowRefused("price", "price_negative", remedy)
        return amount

    def price_fills(self, amount_minor: int, pieces: int) -> list[str]:
        """Return what the report says about the price of one piece where the line's is written."""
        if self.price_of == "one" or pieces == 1:
            return []
        uneven = amount_minor % pieces != 0
        return ["price: of the line, divided by its quantity", *["price: rounded to the minor unit"] * uneven]


def of_one(amount_minor: Any, pieces: Any) -> Any:
    """Return the price of one piece, half a minor unit rounded up; of numbers or of arrays of them."""
    return (2 * amount_minor + pieces) // (2 * pieces)


def whole_number(value: Any, field: str, low: int, high: int) -> int:
    """Return a whole number from `low` to `high`. Raises: RowRefused."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not low <= number <= high or number != int(number):
        raise RowRefused(field, f"{field}_malformed", f"{field} must be a whole number from {low} to {high}")
    return int(number)
