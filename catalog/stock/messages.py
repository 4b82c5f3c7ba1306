"""Protobuf messages of stock -> the domain."""

from souk.catalog.v1 import product_service_pb2 as pb

from catalog.stock.domain import StockChange, StockOverride
from kit.values import PRODUCT


def stock_change_from_proto(request: pb.AdjustStockRequest) -> StockChange:
    """Raises InvalidArgument with all violations."""
    product_id = PRODUCT.parse(request.product_id, "productId")
    return StockChange.parse(product_id, request.delta, request.reason, request.request_id)


def stock_override_from_proto(request: pb.SetStockRequest) -> StockOverride:
    """Raises InvalidArgument with all violations."""
    return StockOverride.parse(
        PRODUCT.parse(request.product_id, "productId"),
        request.stock if request.HasField("stock") else None,
        request.expected if request.HasField("expected") else None,
        request.reason,
    )
