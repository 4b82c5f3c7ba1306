"""Protobuf messages of stock -> the domain."""

from souk.catalog.v1 import product_service_pb2 as pb

from catalog.stock.domain import StockChange, StockOverride
from kit.values import SoldId


def stock_change_from_proto(request: pb.AdjustStockRequest) -> StockChange:
    """Raises InvalidArgument with all violations."""
    sold = SoldId.parse(request.product_id, "productId")
    return StockChange.parse(
        sold.variant_id, request.delta, request.reason, request.request_id, by_product=sold.by_product
    )


def stock_override_from_proto(request: pb.SetStockRequest) -> StockOverride:
    """Raises InvalidArgument with all violations."""
    sold = SoldId.parse(request.product_id, "productId")
    return StockOverride.parse(
        sold.variant_id,
        request.stock if request.HasField("stock") else None,
        request.expected if request.HasField("expected") else None,
        request.reason,
        by_product=sold.by_product,
    )
