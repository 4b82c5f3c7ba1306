"""Protobuf messages of variants <-> the domain. The rules for inputs are the domain's."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from souk.catalog.v1 import product_pb2, variant_pb2
from souk.catalog.v1 import stock_service_pb2 as pb
from souk.catalog.v1 import variant_service_pb2 as service

from catalog.identities import option_identity
from catalog.options import OptionValue
from catalog.variants.domain import SellableVariant, VariantWithStock
from kit.values import (
    PRODUCT,
    VARIANT,
    FieldReader,
    Page,
    SoldId,
    encode_cursor,
    money_to_proto,
)

_MAX_IDS: Final = 100


def sold_ids_from_proto(request: pb.PriceLinesRequest) -> list[SoldId]:
    """Raises InvalidArgument, also unless there are 1-100 ids, each once."""
    reader, ids = FieldReader(), request.ids
    once = 1 <= len(ids) <= _MAX_IDS and len(set(ids)) == len(ids)
    reader.require(once, f"must have between 1 and {_MAX_IDS} ids, each once", "ids")
    reader.raise_if_invalid()
    return [SoldId.parse(text, "ids", index) for index, text in enumerate(ids)]


def sellable_to_proto(sold_id: SoldId, variant: SellableVariant | None) -> pb.SellableVariant:
    """None: unknown or deleted."""
    if variant is None:
        return pb.SellableVariant(requested_id=sold_id.format())
    return pb.SellableVariant(
        requested_id=sold_id.format(),
        found=True,
        variant_required=variant.variant_id is None,
        product_id=PRODUCT.format(variant.product_id),
        variant_id=VARIANT.format(variant.variant_id) if variant.variant_id else "",
        name=variant.name,
        sku=variant.sku,
        options=options_to_proto(variant.options),
        unit_price=money_to_proto(variant.unit_price) if variant.unit_price else None,
        tax_class=variant.tax_class,
        weight_grams=variant.weight_grams,
        requires_shipping=variant.requires_shipping,
        max_per_order=variant.max_per_order,
        free=variant.free,
    )


def variant_to_proto(variant: VariantWithStock, *, with_stock: bool) -> variant_pb2.Variant:
    """`with_stock`: the quantity is for ADMIN only; whether there is any is for every caller."""
    sold, terms = variant.variant, variant.variant.terms
    return variant_pb2.Variant(
        id=VARIANT.format(sold.id),
        product_id=PRODUCT.format(sold.product_id),
        options=options_to_proto(sold.options),
        sku=terms.sku,
        price=money_to_proto(terms.price),
        compare_at_price=money_to_proto(terms.compare_at) if terms.compare_at else None,
        weight_grams=terms.weight_grams,
        requires_shipping=terms.requires_shipping,
        max_per_order=terms.max_per_order,
        available=variant.available,
        stock=variant.free if with_stock else None,
    )


def page_to_proto(
    page: Page[VariantWithStock], scope: str, *, with_stock: bool
) -> service.ListVariantsResponse:
    """A page whose cursors are bound to the list."""
    entries = [
        service.ListVariantsResponse.Entry(
            variant=variant_to_proto(item, with_stock=with_stock),
            cursor=encode_cursor(scope, [item.variant.position, str(item.variant.id)]),
        )
        for item in page.items
    ]
    return service.ListVariantsResponse(entries=entries, has_next_page=page.has_next, total_count=page.total)


def cursor_scope(product_id: UUID, options: Iterable[OptionValue]) -> str:
    """Binds cursors to a product's list."""
    return f"variants {product_id} {sorted((option.name, option.value) for option in options)}"


def filter_from_proto(options: Iterable[product_pb2.OptionValue]) -> tuple[OptionValue, ...]:
    """Raises InvalidArgument for an option that is named twice."""
    chosen = options_from_proto(options)
    reader = FieldReader()
    names = {option_identity(option.name) for option in chosen}
    reader.require(len(names) == len(chosen), "must name each option at most once", "options")
    reader.raise_if_invalid()
    return chosen


def options_from_proto(options: Iterable[product_pb2.OptionValue]) -> tuple[OptionValue, ...]:
    """As they are written."""
    return tuple(OptionValue(option.name, option.value) for option in options)


def options_to_proto(options: Iterable[OptionValue]) -> list[product_pb2.OptionValue]:
    """What a variant is of each option."""
    return [product_pb2.OptionValue(name=option.name, value=option.value) for option in options]
