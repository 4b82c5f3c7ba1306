"""The gRPC servicers: each aggregate serves its own methods."""

from souk.catalog.v1 import product_service_pb2 as pb
from souk.catalog.v1 import stock_service_pb2 as stock_pb
from souk.catalog.v1 import variant_service_pb2 as variant_pb

from kit.rpc import ComposedServicer


class ProductServiceRpc(ComposedServicer):
    """souk.catalog.v1.ProductService."""

    service = pb.DESCRIPTOR.services_by_name["ProductService"]


class StockServiceRpc(ComposedServicer):
    """souk.catalog.v1.StockService, for the order service only."""

    service = stock_pb.DESCRIPTOR.services_by_name["StockService"]


class VariantServiceRpc(ComposedServicer):
    """souk.catalog.v1.VariantService."""

    service = variant_pb.DESCRIPTOR.services_by_name["VariantService"]
