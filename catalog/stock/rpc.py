"""The gRPC methods of stock."""

from souk.catalog.v1 import product_service_pb2 as pb

from catalog.products.messages import product_with_stock_to_proto
from catalog.stock.messages import stock_change_from_proto, stock_override_from_proto
from catalog.stock.use_cases import Stock
from kit.auth import AdminVerifier
from kit.rpc import Call


class StockRpc:
    """AdjustStock and SetStock, for ADMIN."""

    def __init__(self, stock: Stock, admins: AdminVerifier) -> None:
        self._stock = stock
        self._admins = admins

    async def adjust_stock(self, request: pb.AdjustStockRequest, call: Call) -> pb.AdjustStockResponse:
        """Applies a relative change once per caller and request id."""
        caller, change = call.require_admin(), stock_change_from_proto(request)
        await self._admins.require_admin(caller)
        product = await self._stock.adjust(caller, change, address=call.address)
        return pb.AdjustStockResponse(product=product_with_stock_to_proto(product, with_stock=True))

    async def set_stock(self, request: pb.SetStockRequest, call: Call) -> pb.SetStockResponse:
        """Sets the free stock, or stops tracking it."""
        caller, override = call.require_admin(), stock_override_from_proto(request)
        await self._admins.require_admin(caller)
        product = await self._stock.override(caller, override, address=call.address)
        return pb.SetStockResponse(product=product_with_stock_to_proto(product, with_stock=True))
