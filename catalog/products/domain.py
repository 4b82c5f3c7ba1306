"""Products. Stock and search are aggregates of their own, unknown here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from catalog.categories.domain import Category
from catalog.fields import MAX_STOCK, STANDARD_TAX_CLASS, read_price, read_sku, read_tax_class
from catalog.identities import slug_of
from catalog.options import ProductOption
from catalog.products.errors import HasVariants, VersionConflict
from kit.values import PRODUCT, FieldReader, Money

_MAX_IMAGES: Final = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """Validated fields of a new product. `category` is a slug or a name; `sku` and `category` are empty if absent."""

    name: str
    description: str
    price: Money
    sku: str
    category: str
    image_urls: tuple[str, ...]
    stock: int | None
    tax_class: str = STANDARD_TAX_CLASS

    @classmethod
    def parse(
        cls,
        *,
        name: str,
        description: str,
        price: Money,
        sku: str = "",
        category: str = "",
        image_urls: Sequence[str] = (),
        stock: int | None = None,
        tax_class: str = "",
    ) -> "Draft":
        """Raises InvalidArgument with all violations."""
        reader = FieldReader()
        draft = cls(
            name=_name(reader, name),
            description=_description(reader, description),
            price=read_price(reader, price, "price"),
            sku=read_sku(reader, sku, "sku"),
            category=_category(reader, category),
            image_urls=_images(reader, image_urls),
            stock=stock if stock is None else reader.integer(stock, "stock", minimum=0, maximum=MAX_STOCK),
            tax_class=read_tax_class(reader, tax_class),
        )
        reader.raise_if_invalid()
        return draft


@dataclass(frozen=True, slots=True)
class Changes:
    """Validated new values of a product's fields. None leaves a field unchanged; an empty sku or category clears it."""

    name: str | None = None
    description: str | None = None
    price: Money | None = None
    sku: str | None = None
    category: str | None = None
    image_urls: tuple[str, ...] | None = None
    tax_class: str | None = None

    @classmethod
    def parse(
        cls,
        *,
        name: str | None = None,
        description: str | None = None,
        price: Money | None = None,
        sku: str | None = None,
        category: str | None = None,
        image_urls: Sequence[str] | None = None,
        tax_class: str | None = None,
    ) -> "Changes":
        """Raises InvalidArgument with all violations."""
        reader = FieldReader()
        changes = cls(
            name=name if name is None else _name(reader, name),
            description=description if description is None else _description(reader, description),
            price=price if price is None else read_price(reader, price, "price"),
            sku=sku if sku is None else read_sku(reader, sku, "sku"),
            category=category if category is None else _category(reader, category),
            image_urls=image_urls if image_urls is None else _images(reader, image_urls),
            tax_class=tax_class if tax_class is None else read_tax_class(reader, tax_class),
        )
        reader.raise_if_invalid()
        return changes


@dataclass(frozen=True, slots=True)
class Product:
    """Something for sale; `sku` is empty if it has none.

    `price` and `price_max` are the prices of its cheapest and its most expensive variant, which are equal without options. With options it
    has no SKU.
    """

    id: UUID
    name: str
    description: str
    price: Money
    price_max: Money
    sku: str
    category: Category | None
    image_urls: tuple[str, ...]
    version: int
    create_time: datetime
    update_time: datetime
    options: tuple[ProductOption, ...] = ()
    tax_class: str = STANDARD_TAX_CLASS

    @classmethod
    def create(
        cls, draft: Draft, category: Category | None, now: datetime
    ) -> tuple["Product", "ProductCreated"]:
        """A new product with a new id, at version 1."""
        product = cls(
            id=PRODUCT.new(),
            name=draft.name,
            description=draft.description,
            price=draft.price,
            price_max=draft.price,
            sku=draft.sku,
            category=category,
            image_urls=draft.image_urls,
            version=1,
            create_time=now,
            update_time=now,
            tax_class=draft.tax_class,
        )
        return product, ProductCreated(product)

    def change(
        self, changes: Changes, category: Category | None, now: datetime, *, expected_version: int | None
    ) -> tuple["Product", "ProductUpdated | None"]:
        """Applies the changes; `category` is the one that `changes.category` names. No event if nothing differs.

        Raises VersionConflict, HasVariants for the price or SKU of a product with options, or InvalidArgument for a price in another
        currency.
        """
        self.require_version(expected_version)
        if changes.price is not None:
            self.require_currency(changes.price, "price")
        if self.options and (changes.price, changes.sku) != (None, None):
            raise HasVariants()
        changed = replace(
            self,
            name=self.name if changes.name is None else changes.name,
            description=self.description if changes.description is None else changes.description,
            price=changes.price or self.price,
            price_max=changes.price or self.price_max,
            sku=self.sku if changes.sku is None else changes.sku,
            category=self.category if changes.category is None else category,
            image_urls=self.image_urls if changes.image_urls is None else changes.image_urls,
            tax_class=self.tax_class if changes.tax_class is None else changes.tax_class,
        )
        if changed == self:
            return self, None
        changed = replace(changed, version=self.version + 1, update_time=now)
        return changed, ProductUpdated(changed)

    def delete(self) -> "ProductDeleted":
        """Deletion is a version of its own."""
        return ProductDeleted(self.id, self.version + 1)

    def require_version(self, expected: int | None) -> None:
        """Raises VersionConflict if the product is not at the version that the caller expected, if any."""
        if expected is not None and expected != self.version:
            raise VersionConflict(details={"version": self.version})

    def require_currency(self, price: Money, *path: str | int) -> None:
        """Raises InvalidArgument for a price in another currency."""
        reader = FieldReader()
        rule = f"must be in {self.price.currency}, the product's currency"
        reader.require(price.currency == self.price.currency, rule, *path)
        reader.raise_if_invalid()


@dataclass(frozen=True, slots=True)
class ProductWithStock:
    """A product with its free stock, None if its stock is not tracked.

    With options, `stock` is the sum over its variants, and `any_available` says whether one of them can be bought.
    """

    product: Product
    stock: int | None
    any_available: bool | None = None

    @property
    def available(self) -> bool:
        """Whether it can be bought. Only a reservation decides: stock may be taken concurrently."""
        if self.any_available is not None:
            return self.any_available
        return self.stock is None or self.stock > 0


@dataclass(frozen=True, slots=True)
class ProductCreated:
    """A product was created."""

    product: Product


@dataclass(frozen=True, slots=True)
class ProductUpdated:
    """Fields of a product changed."""

    product: Product


@dataclass(frozen=True, slots=True)
class ProductDeleted:
    """A product was deleted; `version` is that of the deletion."""

    product_id: UUID
    version: int


def _name(reader: FieldReader, value: str) -> str:
    return reader.name(value, "name", max_length=200)


def _description(reader: FieldReader, value: str) -> str:
    return reader.text(value, "description", max_length=20_000, lines=True)


def _category(reader: FieldReader, value: str) -> str:
    reader.not_blank(value, "category")
    name = reader.name(value, "category", min_length=0, max_length=100)
    reader.require(not name or bool(slug_of(name)), "must contain a letter or a digit", "category")
    return name


def _images(reader: FieldReader, urls: Sequence[str]) -> tuple[str, ...]:
    reader.require(len(urls) <= _MAX_IMAGES, f"must have at most {_MAX_IMAGES}", "images")
    return tuple(reader.url(url, "images", index) for index, url in enumerate(urls[:_MAX_IMAGES]))
