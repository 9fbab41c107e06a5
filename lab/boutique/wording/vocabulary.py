"""Words for what an item is, by language."""

LANGUAGES: tuple[str, ...] = ("en", "zh", "es")

Words = dict[str, str]

COLOURS: dict[str, Words] = {
    "black": {"en": "black", "zh": "黑色", "es": "negro"},
    "white": {"en": "white", "zh": "白色", "es": "blanco"},
    "grey": {"en": "grey", "zh": "灰色", "es": "gris"},
    "beige": {"en": "beige", "zh": "米色", "es": "beige"},
    "brown": {"en": "brown", "zh": "棕色", "es": "marrón"},
    "red": {"en": "red", "zh": "红色", "es": "rojo"},
    "pink": {"en": "pink", "zh": "粉色", "es": "rosa"},
    "orange": {"en": "orange", "zh": "橙色", "es": "naranja"},
    "yellow": {"en": "yellow", "zh": "黄色", "es": "amarillo"},
    "green": {"en": "green", "zh": "绿色", "es": "verde"},
    "teal": {"en": "teal", "zh": "蓝绿色", "es": "turquesa"},
    "blue": {"en": "blue", "zh": "蓝色", "es": "azul"},
    "navy": {"en": "navy", "zh": "藏青色", "es": "azul marino"},
    "purple": {"en": "purple", "zh": "紫色", "es": "morado"},
}

# Spanish patterns are phrases behind the noun, so that nothing has to agree in gender.
PATTERNS: dict[str, Words] = {
    "plain": {"en": "plain", "zh": "纯色", "es": "de un solo color"},
    "striped": {"en": "striped", "zh": "条纹", "es": "a rayas"},
    "dotted": {"en": "polka-dot", "zh": "波点", "es": "de lunares"},
    "checked": {"en": "checked", "zh": "格纹", "es": "a cuadros"},
    "floral": {"en": "floral", "zh": "花卉", "es": "de flores"},
    "zigzag": {"en": "zigzag", "zh": "锯齿纹", "es": "en zigzag"},
    "diamonds": {"en": "argyle", "zh": "菱格", "es": "de rombos"},
}

MATERIALS: dict[str, Words] = {
    "cotton": {"en": "cotton", "zh": "棉质", "es": "de algodón"},
    "linen": {"en": "linen", "zh": "亚麻", "es": "de lino"},
    "wool": {"en": "wool", "zh": "羊毛", "es": "de lana"},
    "viscose": {"en": "viscose", "zh": "粘纤", "es": "de viscosa"},
    "silk": {"en": "silk", "zh": "真丝", "es": "de seda"},
    "denim": {"en": "denim", "zh": "牛仔", "es": "de tela vaquera"},
    "velvet": {"en": "velvet", "zh": "丝绒", "es": "de terciopelo"},
    "cashmere": {"en": "cashmere", "zh": "羊绒", "es": "de cachemira"},
    "leather": {"en": "leather", "zh": "真皮", "es": "de piel"},
    "suede": {"en": "suede", "zh": "麂皮", "es": "de ante"},
    "canvas": {"en": "canvas", "zh": "帆布", "es": "de lona"},
    "steel": {"en": "steel", "zh": "不锈钢", "es": "de acero"},
    "acetate": {"en": "acetate", "zh": "板材", "es": "de acetato"},
    "stoneware": {"en": "stoneware", "zh": "粗陶", "es": "de gres"},
    "porcelain": {"en": "porcelain", "zh": "瓷质", "es": "de porcelana"},
    "glass": {"en": "glass", "zh": "玻璃", "es": "de vidrio"},
    "paper": {"en": "paper", "zh": "纸艺", "es": "de papel"},
    "fig": {"en": "fig", "zh": "无花果香", "es": "de higo"},
    "cedar": {"en": "cedar", "zh": "雪松香", "es": "de cedro"},
    "rose": {"en": "rose", "zh": "玫瑰香", "es": "de rosa"},
    "orange blossom": {"en": "orange blossom", "zh": "橙花香", "es": "de azahar"},
    "green tea": {"en": "green", "zh": "绿", "es": "verde"},
    "Earl Grey": {"en": "Earl Grey", "zh": "伯爵", "es": "Earl Grey"},
    "chamomile": {"en": "chamomile", "zh": "洋甘菊", "es": "de manzanilla"},
    "chai": {"en": "chai", "zh": "印度香料", "es": "chai"},
    "Ethiopian": {"en": "Ethiopian", "zh": "埃塞俄比亚", "es": "de Etiopía"},
    "Colombian": {"en": "Colombian", "zh": "哥伦比亚", "es": "de Colombia"},
    "espresso": {"en": "espresso", "zh": "意式浓缩", "es": "espresso"},
    "decaf": {"en": "decaffeinated", "zh": "低因", "es": "descafeinado"},
    "dark": {"en": "dark", "zh": "黑", "es": "negro"},
    "milk": {"en": "milk", "zh": "牛奶", "es": "con leche"},
    "hazelnut": {"en": "hazelnut", "zh": "榛子", "es": "con avellanas"},
    "sea salt": {"en": "sea-salt", "zh": "海盐", "es": "con sal marina"},
    "red": {"en": "red", "zh": "红", "es": "tinto"},
    "white": {"en": "white", "zh": "白", "es": "blanco"},
    "rosé": {"en": "rosé", "zh": "桃红", "es": "rosado"},
}

# Two ways to say each category; searches use both.
NOUNS: dict[str, dict[str, tuple[str, str]]] = {
    "Women/Dresses": {"en": ("dress", "summer dress"), "zh": ("连衣裙", "裙子"), "es": ("vestido", "vestido corto")},
    "Women/Blouses": {"en": ("blouse", "top"), "zh": ("女士衬衫", "上衣"), "es": ("blusa", "top")},
    "Women/Skirts": {"en": ("skirt", "midi skirt"), "zh": ("半身裙", "中长裙"), "es": ("falda", "falda midi")},
    "Women/Jackets": {
        "en": ("women's jacket", "blazer"),
        "zh": ("女士外套", "西装外套"),
        "es": ("chaqueta de mujer", "americana"),
    },
    "Women/Shoes": {"en": ("heels", "pumps"), "zh": ("高跟鞋", "女鞋"), "es": ("zapatos de tacón", "zapatos")},
    "Women/Bags": {"en": ("handbag", "bag"), "zh": ("手提包", "女包"), "es": ("bolso", "bolso de mano")},
    "Men/Shirts": {
        "en": ("shirt", "button-down shirt"),
        "zh": ("男士衬衫", "长袖衬衫"),
        "es": ("camisa", "camisa de hombre"),
    },
    "Men/T-Shirts": {"en": ("T-shirt", "tee"), "zh": ("T恤", "短袖"), "es": ("camiseta", "camiseta de hombre")},
    "Men/Trousers": {"en": ("trousers", "pants"), "zh": ("长裤", "裤子"), "es": ("pantalón", "pantalones")},
    "Men/Jackets": {"en": ("men's jacket", "coat"), "zh": ("男士外套", "夹克"), "es": ("chaqueta de hombre", "abrigo")},
    "Men/Sneakers": {"en": ("sneakers", "trainers"), "zh": ("运动鞋", "休闲鞋"), "es": ("zapatillas", "deportivas")},
    "Men/Boots": {"en": ("boots", "ankle boots"), "zh": ("靴子", "短靴"), "es": ("botas", "botines")},
    "Accessories/Hats": {"en": ("hat", "warm hat"), "zh": ("帽子", "保暖帽"), "es": ("sombrero", "gorro")},
    "Accessories/Scarves": {"en": ("scarf", "shawl"), "zh": ("围巾", "披肩"), "es": ("bufanda", "pañuelo")},
    "Accessories/Watches": {
        "en": ("watch", "wrist-watch"),
        "zh": ("手表", "腕表"),
        "es": ("reloj", "reloj de pulsera"),
    },
    "Accessories/Sunglasses": {
        "en": ("sunglasses", "shades"),
        "zh": ("太阳镜", "墨镜"),
        "es": ("gafas de sol", "gafas"),
    },
    "Home/Mugs": {"en": ("mug", "coffee mug"), "zh": ("马克杯", "杯子"), "es": ("taza", "taza de café")},
    "Home/Lamps": {"en": ("table lamp", "lamp"), "zh": ("台灯", "灯"), "es": ("lámpara de mesa", "lámpara")},
    "Home/Cushions": {"en": ("cushion", "throw pillow"), "zh": ("靠垫", "抱枕"), "es": ("cojín", "almohadón")},
    "Home/Chairs": {"en": ("chair", "armchair"), "zh": ("椅子", "单人椅"), "es": ("silla", "butaca")},
    "Home/Vases": {"en": ("vase", "flower vase"), "zh": ("花瓶", "花器"), "es": ("jarrón", "florero")},
    "Home/Candles": {"en": ("scented candle", "candle"), "zh": ("香薰蜡烛", "蜡烛"), "es": ("vela perfumada", "vela")},
    "Pantry/Tea": {"en": ("tea", "loose-leaf tea"), "zh": ("茶", "茶叶"), "es": ("té", "té en hojas")},
    "Pantry/Coffee": {"en": ("coffee", "coffee beans"), "zh": ("咖啡", "咖啡豆"), "es": ("café", "café en grano")},
    "Pantry/Chocolate": {
        "en": ("chocolate", "chocolate bar"),
        "zh": ("巧克力", "巧克力排"),
        "es": ("chocolate", "tableta de chocolate"),
    },
    "Pantry/Wine": {"en": ("wine", "table wine"), "zh": ("葡萄酒", "餐酒"), "es": ("vino", "vino de mesa")},
}

MODEL_NAMES: tuple[str, ...] = (
    "Alba", "Lund", "Sorrel", "Piper", "Vesper", "Arlo", "Juna", "Mistral", "Coral", "Ember", "Linnea",
    "Otto", "Saga", "Tilda", "Bruno", "Celeste", "Dahlia", "Elio", "Fjord", "Greta", "Hazel", "Ines",
    "Jasper", "Kaya", "Lark", "Mira", "Nilo", "Opal", "Perla", "Quill", "Rosa", "Stella", "Tove", "Uma",
    "Viola", "Willa", "Xenia", "Yara", "Zora", "Bay", "Clover", "Dune",
)  # fmt: skip
