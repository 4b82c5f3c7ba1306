"""The catalog's VariantService."""

from collections.abc import Mapping, Sequence

import strawberry
from souk.catalog.v1 import product_pb2 as product
from souk.catalog.v1 import variant_pb2 as variant
from souk.catalog.v1 import variant_service_pb2 as pb

from gateway.peers.catalog import free_stock, product_of
from gateway.types.catalog import Product
from gateway.types.options import OptionValue, OptionValueInput, ProductOptionInput
from gateway.types.variants import (
    UpdateVariantInput,
    Variant,
    VariantConnection,
    VariantEdge,
    VariantInput,
)
from kit.errors import InvalidArgument, Violation, Violations
from kit.graphql import Amount, CurrencyCode, PageRequest
from kit.graphql.conversions import amount, currency, is_set, money, or_blank, text_or_none
from kit.graphql.paging import connection
from kit.identity import Identity
from kit.rpc import Peer

_REQUIRED = ("price", "weight_grams", "requires_shipping")
_CLEARED = 0


class Variants(Peer):
    """Variants of products."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["VariantService"], identity)

    async def declare(
        self,
        product_id: str,
        code: CurrencyCode,
        options: Sequence[ProductOptionInput],
        variants: Sequence[VariantInput],
        expected_version: int | None,
    ) -> Product:
        """SetVariants, with prices in the product's currency."""
        faults = Violations()
        request = pb.SetVariantsRequest(
            product_id=product_id,
            options=[product.ProductOption(name=option.name, values=option.values) for option in options],
            variants=[_declared(faults, item, code, index) for index, item in enumerate(variants)],
            expected_version=expected_version,
        )
        faults.raise_if_any()
        return product_of((await self._call("SetVariants", request, pb.SetVariantsResponse)).product)

    async def update(
        self, variant_id: str, changes: UpdateVariantInput, expected_version: int | None
    ) -> Variant:
        """UpdateVariant; required fields cannot be cleared."""
        violations = [
            Violation((_name(name),), "must not be null")
            for name in _REQUIRED
            if getattr(changes, name) is None
        ]
        if violations:
            raise InvalidArgument("a required field cannot be null", fields=violations)
        request = pb.UpdateVariantRequest(variant_id=variant_id, expected_version=expected_version)
        for name in ("weight_grams", "requires_shipping"):
            if is_set(value := getattr(changes, name)):
                setattr(request, name, value)
        if is_set(changes.sku):
            request.sku = or_blank(changes.sku)
        if is_set(changes.max_per_order):
            if changes.max_per_order == _CLEARED:
                rule = "must be between 1 and 1,000,000"
                raise InvalidArgument("maxPerOrder", fields=[Violation(("maxPerOrder",), rule)])
            request.max_per_order = changes.max_per_order or _CLEARED
        if is_set(changes.price) or is_set(changes.compare_at_price):
            code = (await self.get(variant_id)).currency
            if is_set(changes.price) and changes.price is not None:
                request.price.CopyFrom(money(changes.price, code, "price", currency_path=("price",)))
            if is_set(changes.compare_at_price):
                path = "compareAtPrice"
                before = changes.compare_at_price or Amount(str(_CLEARED))
                request.compare_at_price.CopyFrom(money(before, code, path, currency_path=(path,)))
        return variant_of((await self._call("UpdateVariant", request, pb.UpdateVariantResponse)).variant)

    async def get(self, variant_id: str) -> Variant:
        """GetVariant."""
        request = pb.GetVariantRequest(variant_id=variant_id)
        return variant_of((await self._call("GetVariant", request, pb.GetVariantResponse)).variant)

    async def batch_get(self, ids: Sequence[str]) -> Mapping[str, Variant]:
        """BatchGetVariants, by id."""
        request = pb.BatchGetVariantsRequest(variant_ids=ids)
        response = await self._call("BatchGetVariants", request, pb.BatchGetVariantsResponse)
        return {message.id: variant_of(message) for message in response.variants}

    async def list(
        self, product_id: str, options: Sequence[OptionValueInput], page: PageRequest
    ) -> VariantConnection:
        """ListVariants."""
        request = _list_request(options, page)
        request.product_id = product_id
        response = await self._call("ListVariants", request, pb.ListVariantsResponse)
        return _page(response, page)

    async def list_by_product(
        self, options: Sequence[OptionValueInput], page: PageRequest, ids: Sequence[str]
    ) -> Mapping[str, VariantConnection]:
        """BatchListVariants: the first page of each product."""
        request = pb.BatchListVariantsRequest(product_ids=ids, list=_list_request(options, page))
        response = await self._call("BatchListVariants", request, pb.BatchListVariantsResponse)
        return {
            product_id: _page(listed, page) for product_id, listed in zip(ids, response.pages, strict=True)
        }


def variant_of(message: variant.Variant) -> Variant:
    """A variant of the catalog's message."""
    return Variant(
        id=strawberry.ID(message.id),
        product_id=strawberry.ID(message.product_id),
        options=[OptionValue(name=option.name, value=option.value) for option in message.options],
        sku=text_or_none(message.sku),
        price=amount(message.price),
        currency=currency(message.price),
        compare_at_price=amount(message.compare_at_price) if message.HasField("compare_at_price") else None,
        available=message.available,
        stock=free_stock(message),
        weight_grams=message.weight_grams,
        requires_shipping=message.requires_shipping,
        max_per_order=message.max_per_order if message.HasField("max_per_order") else None,
    )


def _declared(
    faults: Violations, item: VariantInput, code: CurrencyCode, index: int
) -> pb.SetVariantsRequest.Declared:
    declared = pb.SetVariantsRequest.Declared(
        id=or_blank(item.id),
        options=[product.OptionValue(name=option.name, value=option.value) for option in item.options or ()],
        sku=or_blank(item.sku),
        weight_grams=item.weight_grams or 0,
        requires_shipping=item.requires_shipping is not False,
        max_per_order=item.max_per_order,
        stock=item.stock,
    )
    for message, name, value in (
        (declared.price, "price", item.price),
        (declared.compare_at_price, "compareAtPrice", item.compare_at_price),
    ):
        if value is not None:
            path = ("variants", index, name)
            with faults.collect():
                message.CopyFrom(money(value, code, *path, currency_path=path))
    return declared


def _list_request(options: Sequence[OptionValueInput], page: PageRequest) -> pb.ListVariantsRequest:
    return pb.ListVariantsRequest(
        options=[product.OptionValue(name=option.name, value=option.value) for option in options],
        page_size=page.size,
        page_token=page.token,
        count_total=page.count,
    )


def _page(response: pb.ListVariantsResponse, page: PageRequest) -> VariantConnection:
    edges = [VariantEdge(cursor=entry.cursor, node=variant_of(entry.variant)) for entry in response.entries]
    return connection(VariantConnection, edges, response, page.token)


def _name(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(map(str.title, rest))
