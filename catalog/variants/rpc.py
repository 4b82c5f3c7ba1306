"""The gRPC methods of variants."""

from souk.catalog.v1 import stock_service_pb2 as pb

from catalog.variants.messages import sellable_to_proto, sold_ids_from_proto
from catalog.variants.use_cases import Variants
from kit.rpc import Call


class VariantPricesRpc:
    """PriceLines, for the order service only."""

    def __init__(self, variants: Variants) -> None:
        self._variants = variants

    async def price_lines(self, request: pb.PriceLinesRequest, call: Call) -> pb.PriceLinesResponse:
        """What products and variants cost and are now."""
        ids = sold_ids_from_proto(request)
        return pb.PriceLinesResponse(variants=map(sellable_to_proto, ids, await self._variants.price(ids)))
