"""A fake of the catalog's variants, as their contract says."""

from typing import Any

from souk.catalog.v1 import variant_pb2
from souk.catalog.v1 import variant_service_pb2 as pb

from gateway.tests.fakes.catalog import one_product
from gateway.tests.fakes.recorder import Recorder
from kit.errors import NotFound
from kit.rpc import Call
from kit.testing.contracts import UnimplementedServicer
from kit.values import PRODUCT, VARIANT, Money, money_to_proto

UNKNOWN = VARIANT.format(VARIANT.derive("unknown"))


def one_variant(variant_id: str, product_id: str = "") -> variant_pb2.Variant:
    variant = variant_pb2.Variant(
        id=variant_id,
        product_id=product_id or PRODUCT.format(PRODUCT.new()),
        sku="MUG-R",
        price=money_to_proto(Money(999, "USD")),
        compare_at_price=money_to_proto(Money(1200, "USD")),
        weight_grams=250,
        requires_shipping=True,
        available=True,
    )
    variant.options.add(name="Color", value="red")
    return variant


class VariantRpc(UnimplementedServicer):
    service = pb.DESCRIPTOR.services_by_name["VariantService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record

    async def set_variants(self, request: Any, call: Call) -> pb.SetVariantsResponse:
        self._record("SetVariants", request, call)
        product = one_product(request.product_id)
        product.version += 1
        product.options.extend(request.options)
        product.price_max.CopyFrom(request.variants[-1].price)
        return pb.SetVariantsResponse(product=product)

    async def update_variant(self, request: Any, call: Call) -> pb.UpdateVariantResponse:
        self._record("UpdateVariant", request, call)
        return pb.UpdateVariantResponse(variant=one_variant(request.variant_id))

    async def get_variant(self, request: Any, call: Call) -> pb.GetVariantResponse:
        self._record("GetVariant", request, call)
        if request.variant_id == UNKNOWN:
            raise NotFound("no such variant", reason="VARIANT_NOT_FOUND")
        return pb.GetVariantResponse(variant=one_variant(request.variant_id))

    async def batch_get_variants(self, request: Any, call: Call) -> pb.BatchGetVariantsResponse:
        self._record("BatchGetVariants", request, call)
        return pb.BatchGetVariantsResponse(variants=map(one_variant, request.variant_ids))

    async def list_variants(self, request: Any, call: Call) -> pb.ListVariantsResponse:
        self._record("ListVariants", request, call)
        return _page(request.product_id)

    async def batch_list_variants(self, request: Any, call: Call) -> pb.BatchListVariantsResponse:
        self._record("BatchListVariants", request, call)
        return pb.BatchListVariantsResponse(pages=map(_page, request.product_ids))


def _page(product_id: str) -> pb.ListVariantsResponse:
    variant = one_variant(VARIANT.format(VARIANT.new()), product_id)
    entry = pb.ListVariantsResponse.Entry(variant=variant, cursor="after it")
    return pb.ListVariantsResponse(entries=[entry], has_next_page=True, total_count=7)
