"""Prices as shops write them, in the minor units of their currency."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache, lru_cache

# ISO 4217: currencies whose minor unit is not a hundredth.
_DECIMALS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
         "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip
LARGEST_MINOR = 10**15


@cache
def _currencies() -> frozenset[str]:
    from babel.numbers import list_currencies

    return frozenset(list_currencies())


def is_currency(code: str) -> bool:
    """Say whether a code is of ISO 4217, today's or one of the past."""
    return code in _currencies()


def decimals_of(currency: str) -> int:
    """Return how many decimals the currency is written with."""
    return _DECIMALS.get(currency, 2)


def minor_units(written: object, currency: str, unit: str) -> int:
    """Return a price in minor units; `unit` is "major" for 12.50 and "minor" for 1250.

    Half a minor unit rounds up, away from zero. Raises: ValueError when it is not an amount.
    """
    return _minor_units(str(written), currency, unit)


# Prices come again and again, and decimals are slow to read.
@lru_cache(maxsize=16_384)
def _minor_units(written: str, currency: str, unit: str) -> int:
    text = written.strip().replace("\u00a0", "").replace(" ", "")
    if "," in text and "." not in text and len(text) - text.rfind(",") - 1 != 3:
        text = text.replace(",", ".")  # a decimal comma; groups of three are thousands
    try:
        amount = Decimal(text.replace(",", ""))
        if unit == "major":
            amount = amount.scaleb(decimals_of(currency))
        rounded = amount.quantize(Decimal(1), ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError(f"{written[:40]!r} is not an amount; write it as 12.50") from None
    if not amount.is_finite() or abs(rounded) > LARGEST_MINOR:
        raise ValueError(f"{written[:40]!r} is not a price")
    if unit == "minor" and amount != rounded:
        raise ValueError(f'{written[:40]!r} has a fraction of a minor unit; set price_unit = "major" in the mapping')
    return int(rounded)
