"""Protobuf messages of variants <-> the domain. The rules for inputs are the domain's."""

from collections.abc import Iterable
from typing import Final

from souk.catalog.v1 import product_pb2
from souk.catalog.v1 import stock_service_pb2 as pb

from catalog.options import OptionValue
from catalog.variants.domain import SellableVariant
from kit.values import PRODUCT, VARIANT, FieldReader, SoldId, money_to_proto

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


def options_to_proto(options: Iterable[OptionValue]) -> list[product_pb2.OptionValue]:
    """What a variant is of each option."""
    return [product_pb2.OptionValue(name=option.name, value=option.value) for option in options]
