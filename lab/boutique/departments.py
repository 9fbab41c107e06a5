"""What the boutique sells: its categories, with prices, materials, sizes and what goes with what."""

from dataclasses import dataclass

APPAREL_SIZES = ("XS", "S", "M", "L", "XL")
SHOE_SIZES = ("37", "38", "39", "40", "41", "42", "43", "44")
WOVEN = ("cotton", "linen", "wool", "viscose")
LEATHERS = ("leather", "suede", "canvas")


@dataclass(frozen=True)
class Category:
    """One leaf of the category tree."""

    path: str
    """Department and category, "Women/Dresses"."""
    silhouette: str
    """What its pictures show: a name in `drawing.pictures.SILHOUETTES`."""
    share: float
    """Relative share of families."""
    price_minor: int
    """Median price in cents."""
    materials: tuple[str, ...]
    """Names in `wording.vocabulary.MATERIALS`; a variety where things are eaten, drunk or burnt."""
    sizes: tuple[str, ...] = ()
    complements: tuple[str, ...] = ()
    """Paths of categories that interest moves on to."""
    consumable: bool = False
    """Bought again and again."""
    minimum_age: int = 0


CATEGORIES: tuple[Category, ...] = (
    Category("Women/Dresses", "dress", 1.5, 8900, (*WOVEN, "silk"), APPAREL_SIZES, ("Women/Shoes", "Women/Bags")),
    Category("Women/Blouses", "blouse", 1.2, 5900, (*WOVEN, "silk"), APPAREL_SIZES, ("Women/Skirts", "Women/Jackets")),
    Category("Women/Skirts", "skirt", 1.1, 5500, (*WOVEN, "denim"), APPAREL_SIZES, ("Women/Blouses", "Women/Shoes")),
    Category(
        "Women/Jackets",
        "jacket",
        0.9,
        13900,
        ("wool", "linen", "denim", "velvet"),
        APPAREL_SIZES,
        ("Accessories/Scarves",),
    ),
    Category(
        "Women/Shoes",
        "heel",
        1.1,
        9900,
        ("leather", "suede", "velvet"),
        SHOE_SIZES[:5],
        ("Women/Bags", "Women/Dresses"),
    ),
    Category("Women/Bags", "bag", 1.2, 12900, LEATHERS, (), ("Women/Shoes", "Accessories/Sunglasses")),
    Category("Men/Shirts", "shirt", 1.3, 6500, (*WOVEN, "denim"), APPAREL_SIZES, ("Men/Trousers", "Men/Jackets")),
    Category(
        "Men/T-Shirts",
        "tee",
        1.1,
        2900,
        ("cotton", "linen", "viscose"),
        APPAREL_SIZES,
        ("Men/Trousers", "Men/Sneakers"),
    ),
    Category(
        "Men/Trousers",
        "trousers",
        1.1,
        7900,
        ("cotton", "denim", "wool", "linen"),
        APPAREL_SIZES,
        ("Men/Shirts", "Men/Boots"),
    ),
    Category(
        "Men/Jackets",
        "jacket",
        0.9,
        14900,
        ("wool", "denim", "linen", "velvet"),
        APPAREL_SIZES,
        ("Men/Shirts", "Accessories/Scarves"),
    ),
    Category("Men/Sneakers", "sneaker", 1.2, 9500, LEATHERS, SHOE_SIZES[2:], ("Men/T-Shirts", "Accessories/Hats")),
    Category("Men/Boots", "boot", 0.9, 15900, LEATHERS, SHOE_SIZES[2:], ("Men/Trousers", "Men/Jackets")),
    Category(
        "Accessories/Hats",
        "hat",
        0.9,
        3900,
        ("wool", "cotton", "cashmere"),
        (),
        ("Accessories/Scarves", "Accessories/Sunglasses"),
    ),
    Category("Accessories/Scarves", "scarf", 1.0, 4500, ("wool", "silk", "cashmere"), (), ("Accessories/Hats",)),
    Category(
        "Accessories/Watches", "watch", 1.0, 18900, ("leather", "canvas", "steel"), (), ("Accessories/Sunglasses",)
    ),
    Category("Accessories/Sunglasses", "sunglasses", 0.8, 11900, ("acetate", "steel"), (), ("Accessories/Hats",)),
    Category("Home/Mugs", "mug", 1.0, 1900, ("stoneware", "porcelain"), (), ("Pantry/Tea", "Pantry/Coffee")),
    Category("Home/Lamps", "lamp", 0.9, 8900, ("linen", "cotton", "paper"), (), ("Home/Chairs", "Home/Cushions")),
    Category(
        "Home/Cushions", "cushion", 1.1, 3500, ("cotton", "linen", "velvet", "wool"), (), ("Home/Chairs", "Home/Lamps")
    ),
    Category(
        "Home/Chairs", "chair", 0.8, 24900, ("linen", "velvet", "wool", "leather"), (), ("Home/Cushions", "Home/Lamps")
    ),
    Category("Home/Vases", "vase", 0.9, 4900, ("stoneware", "porcelain", "glass"), (), ("Home/Candles",)),
    Category(
        "Home/Candles",
        "candle",
        0.7,
        2400,
        ("fig", "cedar", "rose", "orange blossom"),
        ("180 g", "300 g"),
        ("Home/Vases",),
        consumable=True,
    ),
    Category(
        "Pantry/Tea",
        "tea",
        0.7,
        1400,
        ("green tea", "Earl Grey", "chamomile", "chai"),
        ("100 g", "250 g"),
        ("Home/Mugs", "Pantry/Chocolate"),
        consumable=True,
    ),
    Category(
        "Pantry/Coffee",
        "coffee",
        0.7,
        1600,
        ("Ethiopian", "Colombian", "espresso", "decaf"),
        ("250 g", "1 kg"),
        ("Home/Mugs", "Pantry/Chocolate"),
        consumable=True,
    ),
    Category(
        "Pantry/Chocolate",
        "chocolate",
        0.6,
        700,
        ("dark", "milk", "hazelnut", "sea salt"),
        (),
        ("Pantry/Tea", "Pantry/Coffee"),
        consumable=True,
    ),
    Category(
        "Pantry/Wine",
        "wine",
        0.35,
        1800,
        ("red", "white", "rosé"),
        (),
        ("Pantry/Chocolate",),
        consumable=True,
        minimum_age=18,
    ),
)

CATEGORY_PATHS: tuple[str, ...] = tuple(category.path for category in CATEGORIES)
DEPARTMENTS: tuple[str, ...] = tuple(dict.fromkeys(path.split("/")[0] for path in CATEGORY_PATHS))
