"""Products and their categories. Stock is its own aggregate (`stock_domain`); search is not known here."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from catalog.errors import VersionConflict
from kit.values import CATEGORY, PRODUCT, FieldReader, Money

_WHOLE_UNITS_BELOW: Final = 10_000_000_000
_IMAGES_MOST = 20
_STOCK_MOST = 1_000_000_000
# Combining accents of Latin, Greek and Cyrillic; the marks of other scripts are vowels.
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_INVISIBLE = ("Cf", "Zl", "Zp")
# Signs that distinguish names, such as C++, C# and .NET, as a slug spells them.
_SPELT = (
    (re.compile(r"(?<=\w)\+(?=\+*(?!\w))|(?<=\+)\+(?!\w)"), " plus"),
    (re.compile(r"(?<=\w)#(?!\w)"), " sharp"),
    (re.compile(r"(?<![\w.])\.(?=[^\W\d_])"), " dot "),
)


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of the shop; its whole name identifies it, `slug` is its unique short name."""

    id: UUID
    slug: str
    name: str

    @classmethod
    def named(cls, name: str) -> "Category":
        """The category that a name makes; the same identity always has the same id. Another category may have its slug."""
        # No slug has a space: ids of categories from before were derived from slugs.
        return cls(CATEGORY.derive(f"name {category_identity(name)}"), slug_of(name), name)


def category_identity(name: str) -> str:
    """What makes a name the same category's: all of it but case, width and repeated spaces. As the function of that name in PostgreSQL."""
    return unicodedata.normalize("NFKC", " ".join(name.split())).lower()


def sku_identity(sku: str) -> str:
    """What makes a sku the same product's: all of it but case, width, accents and what is invisible. As the one in PostgreSQL."""
    return _ACCENTS.sub("", _visible(unicodedata.normalize("NFKD", sku).lower())).strip()


def slug_of(name: str) -> str:
    """Lower case letters, their marks, and digits of a name, without accents, its words joined by hyphens; empty when it has none. NFC."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    for sign, spelling in _SPELT:
        plain = sign.sub(spelling, plain)
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", plain)))
    slug = "-".join("".join(c if _is_part(c) else " " for c in plain).split())
    return slug if any(map(str.isalnum, slug)) else ""


def _is_part(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _visible(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) not in _INVISIBLE)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a product is to be, checked; `category` is a slug or a name, `sku` empty when there is none."""

    name: str
    description: str
    price: Money
    sku: str
    category: str
    image_urls: tuple[str, ...]
    stock: int | None

    @classmethod
    def read(
        cls,
        *,
        name: str,
        description: str,
        price: Money,
        sku: str = "",
        category: str = "",
        image_urls: Sequence[str] = (),
        stock: int | None = None,
    ) -> "Draft":
        """Raises InvalidArgument with every fault at once."""
        given = FieldReader()
        draft = cls(
            name=_name(given, name),
            description=_description(given, description),
            price=_price(given, price),
            sku=_sku(given, given.not_blank(sku, "sku")),
            category=_category(given, given.not_blank(category, "category")),
            image_urls=_images(given, image_urls),
            stock=stock if stock is None else given.integer(stock, "stock", minimum=0, maximum=_STOCK_MOST),
        )
        given.raise_if_invalid()
        return draft


@dataclass(frozen=True, slots=True)
class Changes:
    """New values of a product; None stays as it is, an empty sku or category clears it."""

    name: str | None = None
    description: str | None = None
    price: Money | None = None
    sku: str | None = None
    category: str | None = None
    image_urls: tuple[str, ...] | None = None

    @classmethod
    def read(
        cls,
        *,
        name: str | None = None,
        description: str | None = None,
        price: Money | None = None,
        sku: str | None = None,
        category: str | None = None,
        image_urls: Sequence[str] | None = None,
    ) -> "Changes":
        """Raises InvalidArgument with every fault at once."""
        given = FieldReader()
        changes = cls(
            name=name if name is None else _name(given, name),
            description=description if description is None else _description(given, description),
            price=price if price is None else _price(given, price),
            sku=sku if sku is None else _sku(given, sku),
            category=category if category is None else _category(given, category),
            image_urls=image_urls if image_urls is None else _images(given, image_urls),
        )
        given.raise_if_invalid()
        return changes


@dataclass(frozen=True, slots=True)
class Product:
    """Something for sale; `sku` is empty when there is none. What is in stock is not part of it."""

    id: UUID
    name: str
    description: str
    price: Money
    sku: str
    category: Category | None
    image_urls: tuple[str, ...]
    version: int
    create_time: datetime
    update_time: datetime

    @classmethod
    def create(
        cls, draft: Draft, category: Category | None, now: datetime
    ) -> tuple["Product", "ProductCreated"]:
        """A fresh product."""
        product = cls(
            id=PRODUCT.new(),
            name=draft.name,
            description=draft.description,
            price=draft.price,
            sku=draft.sku,
            category=category,
            image_urls=draft.image_urls,
            version=1,
            create_time=now,
            update_time=now,
        )
        return product, ProductCreated(product)

    def change(
        self, changes: Changes, category: Category | None, now: datetime, *, expected_version: int | None
    ) -> tuple["Product", "ProductUpdated | None"]:
        """The product with new values, `category` among them when it changes; no fact when nothing does.

        Raises VersionConflict, and InvalidArgument for a price in another currency.
        """
        if expected_version is not None and expected_version != self.version:
            raise VersionConflict(details={"version": self.version})
        if changes.price is not None:
            given = FieldReader()
            rule = f"must be in {self.price.currency}, the product's currency"
            given.require(changes.price.currency == self.price.currency, rule, "price")
            given.raise_if_invalid()
        changed = replace(
            self,
            name=self.name if changes.name is None else changes.name,
            description=self.description if changes.description is None else changes.description,
            price=self.price if changes.price is None else changes.price,
            sku=self.sku if changes.sku is None else changes.sku,
            category=self.category if changes.category is None else category,
            image_urls=self.image_urls if changes.image_urls is None else changes.image_urls,
        )
        if changed == self:
            return self, None
        changed = replace(changed, version=self.version + 1, update_time=now)
        return changed, ProductUpdated(changed)

    def delete(self) -> "ProductDeleted":
        """The product's end, which is a version of its own."""
        return ProductDeleted(self.id, self.version + 1)


@dataclass(frozen=True, slots=True)
class Shown:
    """A product with its free stock; None where it is not tracked."""

    product: Product
    stock: int | None

    @property
    def available(self) -> bool:
        """Whether it can be bought now, as far as one can tell."""
        return self.stock is None or self.stock > 0


@dataclass(frozen=True, slots=True)
class ProductCreated:
    """A product was made."""

    product: Product


@dataclass(frozen=True, slots=True)
class ProductUpdated:
    """A product's fields changed."""

    product: Product


@dataclass(frozen=True, slots=True)
class ProductDeleted:
    """A product was deleted; `version` is the deletion's own."""

    product_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class ProductAvailabilityChanged:
    """A product ran out or came back; a hint to look at its stock."""

    product_id: UUID
    available: bool


def _name(given: FieldReader, value: str) -> str:
    return given.name(value, "name", max_length=200)


def _description(given: FieldReader, value: str) -> str:
    return given.text(value, "description", max_length=20_000, lines=True)


def _price(given: FieldReader, value: Money) -> Money:
    given.require(value.minor > 0, "must be above zero", "price")
    given.require(value.decimal() < _WHOLE_UNITS_BELOW, f"must be below {_WHOLE_UNITS_BELOW:,}", "price")
    given.require(not value.step_violation(), value.step_violation(), "price")
    return value


def _sku(given: FieldReader, value: str) -> str:
    return given.text(_visible(value), "sku", max_length=64)


def _category(given: FieldReader, value: str) -> str:
    name = given.name(value, "category", min_length=0, max_length=100)
    given.require(not name or bool(slug_of(name)), "must contain a letter or a digit", "category")
    return name


def _images(given: FieldReader, urls: Sequence[str]) -> tuple[str, ...]:
    given.require(len(urls) <= _IMAGES_MOST, f"must have at most {_IMAGES_MOST}", "images")
    return tuple(given.url(url, "images", at) for at, url in enumerate(urls[:_IMAGES_MOST]))
