"""The gRPC methods of variants."""

from souk.catalog.v1 import stock_service_pb2
from souk.catalog.v1 import variant_service_pb2 as pb

from catalog.requests import sees_stock
from catalog.variants import messages
from catalog.variants.use_cases import Variants
from kit.rpc import Call
from kit.values import PRODUCT, VARIANT, first_page_size, integer_key, requested_page_by


class VariantReadsRpc:
    """GetVariant, BatchGetVariants, ListVariants and BatchListVariants, for every caller."""

    def __init__(self, variants: Variants) -> None:
        self._variants = variants

    async def get_variant(self, request: pb.GetVariantRequest, call: Call) -> pb.GetVariantResponse:
        """One variant."""
        variant = await self._variants.get(VARIANT.parse(request.variant_id, "id"))
        return pb.GetVariantResponse(variant=messages.variant_to_proto(variant, with_stock=sees_stock(call)))

    async def batch_get_variants(
        self, request: pb.BatchGetVariantsRequest, call: Call
    ) -> pb.BatchGetVariantsResponse:
        """The variants among the ids."""
        variants = await self._variants.get_many(VARIANT.parse_all(request.variant_ids, "variant_ids"))
        return pb.BatchGetVariantsResponse(
            variants=[messages.variant_to_proto(variant, with_stock=sees_stock(call)) for variant in variants]
        )

    async def list_variants(self, request: pb.ListVariantsRequest, call: Call) -> pb.ListVariantsResponse:
        """A page of a product's variants."""
        product_id = PRODUCT.parse(request.product_id, "id")
        options = messages.filter_from_proto(request.options)
        scope = messages.cursor_scope(product_id, options)
        after, size = requested_page_by(request, scope, integer_key)
        page = await self._variants.page(product_id, options, after, size, count=request.count_total)
        return messages.page_to_proto(page, scope, with_stock=sees_stock(call))

    async def batch_list_variants(
        self, request: pb.BatchListVariantsRequest, call: Call
    ) -> pb.BatchListVariantsResponse:
        """The first page of each product."""
        ids = PRODUCT.parse_unique(request.product_ids, "product_ids")
        options, size = messages.filter_from_proto(request.list.options), first_page_size(request.list)
        pages = await self._variants.pages(ids, options, None, size, count=request.list.count_total)
        return pb.BatchListVariantsResponse(
            pages=[
                messages.page_to_proto(
                    page, messages.cursor_scope(product_id, options), with_stock=sees_stock(call)
                )
                for product_id, page in zip(ids, pages, strict=True)
            ]
        )


class VariantPricesRpc:
    """PriceLines, for the order service only."""

    def __init__(self, variants: Variants) -> None:
        self._variants = variants

    async def price_lines(
        self, request: stock_service_pb2.PriceLinesRequest, call: Call
    ) -> stock_service_pb2.PriceLinesResponse:
        """What products and variants cost and are now."""
        ids = messages.sold_ids_from_proto(request)
        sellable = await self._variants.price(ids)
        return stock_service_pb2.PriceLinesResponse(variants=map(messages.sellable_to_proto, ids, sellable))
