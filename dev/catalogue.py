"""A realistic catalogue of 20 categories, the same on every run: the random generator has a fixed seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product as combinations

_SEED = 20261123

# Category: price range in cents, kinds of products, variants, and phrases for descriptions.
_CATEGORIES: dict[str, tuple[tuple[int, int], str, str, str]] = {
    "Laptops": ((49900, 349900), "Laptop|Notebook|Ultrabook|Gaming Laptop", "13-inch|14-inch|15-inch|16-inch", "16 GB of memory and a bright matte display|an aluminium body and a backlit keyboard|a fast processor and all-day battery life"),
    "Phones": ((19900, 149900), "Smartphone|Phone|Foldable Phone", "64 GB|128 GB|256 GB|512 GB", "a triple camera and wireless charging|two SIM slots and a sharp OLED screen|a battery that lasts two days"),
    "Tablets": ((14900, 119900), "Tablet|Drawing Tablet|E-reader", "8-inch|10-inch|12-inch", "a pen that needs no charging|a paper-like screen that is easy on the eyes|stereo speakers and a slim case"),
    "Headphones": ((1990, 49900), "Headphones|Earbuds|Headset", "Wireless|Wired|Noise-Cancelling|Studio", "deep bass and soft ear pads|thirty hours of playback|a clear microphone for calls"),
    "Cameras": ((19900, 299900), "Camera|Action Camera|Mirrorless Camera|Instant Camera", "Compact|Full-Frame|Waterproof", "sharp pictures in low light|stabilised video in 4K|a lens that fits every pocket"),
    "Kitchen": ((990, 29900), "Kettle|Saucepan|Chef's Knife|Blender|Coffee Grinder|Toaster", "Steel|Copper|Ceramic|Compact", "an even heat and a handle that stays cool|easy cleaning in the dishwasher|a quiet motor"),
    "Coffee": ((490, 4990), "Espresso Beans|Filter Coffee|Decaf Coffee|Coffee Capsules", "Dark Roast|Medium Roast|Light Roast", "notes of chocolate and hazelnut|a fruity, bright cup|a full body and a long finish"),
    "Tea": ((390, 3990), "Green Tea|Black Tea|Herbal Tea|White Tea|Oolong Tea", "Loose Leaf|Bags|Organic", "hand-picked leaves from small gardens|a mild taste of jasmine|a calming blend for the evening"),
    "Furniture": ((4990, 149900), "Desk|Office Chair|Bookshelf|Armchair|Dining Table", "Oak|Walnut|Birch|Steel", "a solid frame that is put together in minutes|a height that adjusts smoothly|rounded edges and a natural finish"),
    "Lamps": ((1490, 24900), "Desk Lamp|Floor Lamp|Pendant Lamp|Reading Lamp", "Brass|Black|White|Linen", "warm light that dims without flicker|a swivelling head|a shade of woven fabric"),
    "Bedding": ((1990, 39900), "Duvet|Pillow|Blanket|Sheet Set", "Cotton|Linen|Wool|Down", "soft, breathable fabric|a weave that gets softer with every wash|warmth without weight"),
    "Shoes": ((3990, 24900), "Running Shoes|Hiking Boots|Sneakers|Sandals", "Men's|Women's|Trail|Lightweight", "a cushioned sole and a breathable upper|a firm grip on wet ground|leather that ages well"),
    "Jackets": ((4990, 39900), "Rain Jacket|Down Jacket|Fleece Jacket|Windbreaker", "Men's|Women's|Packable", "sealed seams and a hood that turns with you|pockets where you want them|recycled insulation"),
    "Bags": ((1990, 29900), "Backpack|Messenger Bag|Travel Bag|Tote Bag", "Canvas|Leather|Waterproof", "a padded sleeve for a laptop|straps that don't cut in|a bottom that stands by itself"),
    "Watches": ((4990, 99900), "Wristwatch|Diver's Watch|Smartwatch|Chronograph", "Steel|Titanium|Leather-Strap", "sapphire glass and a clear dial|water resistance to a hundred metres|a movement that keeps time"),
    "Bicycles": ((29900, 499900), "City Bike|Mountain Bike|Road Bike|Cargo Bike|E-Bike", "Small|Medium|Large", "hydraulic brakes and a stiff frame|a belt that needs no oil|gears for every hill"),
    "Garden": ((490, 19900), "Watering Can|Pruning Shears|Spade|Plant Pot|Garden Hose", "Steel|Terracotta|Copper", "a balance that spares the wrist|an ash handle|no rust for years"),
    "Toys": ((690, 14900), "Building Blocks|Puzzle|Board Game|Plush Bear|Model Train", "Wooden|Family|Classic", "hours of play for ages four and up|pieces that fit precisely|a box that makes a fine present"),
    "Books": ((790, 7990), "Cookbook|Travel Guide|Atlas|Novel|Notebook", "Hardcover|Paperback|Illustrated", "fine paper and a sewn binding|many pictures and clear maps|a story that one doesn't put down"),
    "Sports": ((990, 39900), "Yoga Mat|Dumbbell Set|Tennis Racket|Football|Skipping Rope", "Pro|Basic|Travel", "a good grip even with damp hands|a bag to carry it|a weight that suits beginners"),
}  # fmt: skip
_BRANDS = "Alder Birk Corvo Delta Elan Fjord Garda Helio Ister Juno Kepler Lumen Mira Nordal Orbis Pavo Quill Riva Solis Tarn".split()


@dataclass(frozen=True, slots=True)
class Article:
    """A product to seed; `price` in US cents, `stock` None if it is not tracked."""

    sku: str
    name: str
    description: str
    category: str
    price: int
    stock: int | None

    @property
    def picture(self) -> str:
        """The path of its picture at the storefront."""
        return f"/pictures/{self.category.lower()}/{self.sku.lower()}.svg"


def articles(count: int) -> list[Article]:
    """`count` products, one category after the other in turn; a smaller count returns a prefix of a larger one."""
    categories = [_category_products(number, name) for number, name in enumerate(_CATEGORIES)]
    products: list[Article] = []
    while len(products) < count:
        products += [next(category) for category in categories]
    return products[:count]


def _category_products(number: int, category: str) -> Iterator[Article]:
    (low, high), kinds, variants, blurbs = _CATEGORIES[category]
    rng = random.Random(_SEED + number)
    names = [
        f"{brand} {variant} {kind}"
        for brand, variant, kind in combinations(_BRANDS, variants.split("|"), kinds.split("|"))
    ]
    rng.shuffle(names)
    for position, name in enumerate(names):
        blurb = rng.choice(blurbs.split("|"))
        price = rng.randint(low // 100, high // 100) * 100 + rng.choice([0, 50, 90, 99])
        yield Article(
            sku=f"{category[:3].upper()}-{number:02d}{position:04d}",
            name=name,
            description=f"{name} with {blurb}.",
            category=category,
            price=price,
            # Some products are made to order, so their stock is not tracked; a few are sold out.
            stock=None if position % 17 == 5 else 0 if position % 29 == 7 else rng.randint(20, 2000),
        )
