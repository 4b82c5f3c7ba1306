"""Protobuf messages of changes to variants -> the domain. The rules for inputs are the domain's."""

from souk.catalog.v1 import variant_service_pb2 as service

from catalog.options import ProductOption
from catalog.variant_changes.declaration import Declaration, Declared
from catalog.variant_changes.domain import Changes
from catalog.variants.domain import Terms
from catalog.variants.messages import options_from_proto
from kit.values import VARIANT, FieldReader, money_from_proto


def declaration_from_proto(request: service.SetVariantsRequest) -> Declaration:
    """Raises InvalidArgument with all violations."""
    reader = FieldReader()
    declared = [_declared(reader, message, index) for index, message in enumerate(request.variants)]
    reader.raise_if_invalid()
    options = [ProductOption(option.name, tuple(option.values)) for option in request.options]
    return Declaration.parse(options, declared)


def _declared(reader: FieldReader, message: service.SetVariantsRequest.Declared, index: int) -> Declared:
    path = ("variants", index)
    terms = Terms(
        price=money_from_proto(message.price, *path, "price"),
        sku=message.sku,
        compare_at=money_from_proto(message.compare_at_price, *path, "compareAtPrice")
        if message.HasField("compare_at_price")
        else None,
        weight_grams=message.weight_grams,
        requires_shipping=message.requires_shipping,
        max_per_order=message.max_per_order if message.HasField("max_per_order") else None,
    )
    return Declared(
        id=VARIANT.parse(message.id, *path, "id") if message.id else None,
        options=options_from_proto(message.options),
        terms=terms.validated(reader, *path),
        stock=message.stock if message.HasField("stock") else None,
    )


def changes_from_proto(request: service.UpdateVariantRequest) -> Changes:
    """Raises InvalidArgument."""
    return Changes(
        price=money_from_proto(request.price, "price") if request.HasField("price") else None,
        compare_at=money_from_proto(request.compare_at_price, "compareAtPrice")
        if request.HasField("compare_at_price")
        else None,
        sku=request.sku if request.HasField("sku") else None,
        weight_grams=request.weight_grams if request.HasField("weight_grams") else None,
        requires_shipping=request.requires_shipping if request.HasField("requires_shipping") else None,
        max_per_order=request.max_per_order if request.HasField("max_per_order") else None,
    )
