"""Brands and sellers of the boutique, all invented."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Brand:
    """One brand."""

    name: str
    departments: tuple[str, ...]
    price_level: float
    """Logarithm of its price relative to the category's median."""
    style: tuple[float, float, float]
    """Its lean on the hidden style axes ornament, mood and cut."""


_W, _M, _A, _H, _P = ("Women",), ("Men",), ("Accessories",), ("Home",), ("Pantry",)

BRANDS: tuple[Brand, ...] = (
    Brand("Maren Holt", _W + _A, 0.25, (-0.5, -0.3, -0.2)),
    Brand("Odalys", _W, 0.05, (0.6, 0.3, 0.3)),
    Brand("Petit Orme", _W, 0.35, (0.5, 0.6, -0.1)),
    Brand("Lunaire & Fils", _W + _A, 0.55, (0.1, 0.5, -0.4)),
    Brand("Tamsin Vale", _W, -0.2, (0.2, -0.2, 0.5)),
    Brand("Calla Row", _W, -0.35, (-0.2, -0.5, 0.0)),
    Brand("Iris Okafor", _W + _A, 0.4, (0.7, 0.1, 0.2)),
    Brand("Northquay", _M + _A, 0.1, (-0.4, -0.6, 0.1)),
    Brand("Brask", _M, 0.3, (-0.6, -0.4, -0.5)),
    Brand("Harrow Lane", _M + _A, 0.45, (0.2, 0.6, -0.2)),
    Brand("Old Millrace", _M, 0.0, (0.3, 0.7, 0.3)),
    Brand("Velo Quinta", _M, -0.15, (0.1, -0.3, 0.4)),
    Brand("Dunmore Works", _M, 0.2, (-0.1, 0.5, 0.5)),
    Brand("Plainsong", _M + _W, -0.45, (-0.7, -0.2, 0.1)),
    Brand("Sable & Thorn", _M + _W, 0.5, (0.4, -0.1, -0.5)),
    Brand("Everyday Union", _M + _W + _A, -0.5, (-0.4, -0.1, 0.3)),
    Brand("Kestrel Yard", _M + _A, 0.15, (0.0, 0.3, 0.0)),
    Brand("Orrery", _A, 0.6, (0.5, -0.4, -0.2)),
    Brand("Solenne", _A + _W, 0.2, (0.2, 0.0, 0.6)),
    Brand("Tidewell", _A, -0.1, (-0.3, -0.5, 0.2)),
    Brand("Fennimore", _A + _H, 0.3, (0.4, 0.5, 0.1)),
    Brand("Hearth & Hollow", _H, 0.1, (0.2, 0.7, 0.4)),
    Brand("Studio Aske", _H, 0.45, (-0.7, -0.6, -0.3)),
    Brand("Casa Mirlo", _H + _P, 0.0, (0.6, 0.4, 0.3)),
    Brand("Lindqvist Form", _H, 0.35, (-0.5, -0.5, 0.3)),
    Brand("Potter's Row", _H, -0.15, (0.1, 0.4, 0.5)),
    Brand("Blue Larder", _H + _P, -0.3, (-0.2, -0.3, 0.1)),
    Brand("Amberline", _H, -0.4, (0.0, 0.2, -0.3)),
    Brand("Wren & Daughters", _P + _H, 0.2, (0.6, 0.5, 0.0)),
    Brand("Mesa Alta", _P, 0.1, (0.1, 0.3, 0.3)),
    Brand("Quiet Kettle", _P, 0.0, (-0.3, -0.4, 0.2)),
    Brand("Harbour Roast", _P, -0.1, (-0.1, -0.2, -0.2)),
    Brand("Bosco Nero", _P, 0.3, (0.4, 0.2, -0.4)),
    Brand("Goldfinch Goods", _P + _A, -0.2, (0.3, 0.1, 0.4)),
)
BRAND_NAMES: tuple[str, ...] = tuple(brand.name for brand in BRANDS)

SELLERS: tuple[str, ...] = (
    "Boutique",
    "Atelier Direct",
    "Corner & Co",
    "Rivergate Market",
    "Second Floor",
    "Lantern Street",
    "Galería Norte",
    "Jade Courtyard",
    "Harvest Table",
)
