"""The gRPC servicers: each aggregate serves its own methods."""

from souk.catalog.v1 import product_service_pb2 as pb
from souk.catalog.v1 import stock_service_pb2 as stock_pb

from catalog.categories.rpc import CategoriesRpc
from catalog.products.rpc import ProductsRpc
from catalog.reservations.rpc import ReservationRpc
from catalog.search.rpc import SearchRpc
from catalog.stock.rpc import StockRpc
from catalog.variants.rpc import VariantPricesRpc


class ProductRpc:
    """souk.catalog.v1.ProductService."""

    service = pb.DESCRIPTOR.services_by_name["ProductService"]

    def __init__(
        self, products: ProductsRpc, categories: CategoriesRpc, stock: StockRpc, search: SearchRpc
    ) -> None:
        self.create_product = products.create_product
        self.get_product = products.get_product
        self.batch_get_products = products.batch_get_products
        self.list_products = products.list_products
        self.update_product = products.update_product
        self.delete_product = products.delete_product
        self.list_categories = categories.list_categories
        self.adjust_stock = stock.adjust_stock
        self.set_stock = stock.set_stock
        self.search_products = search.search_products
        self.suggest_products = search.suggest_products


class StockServiceRpc:
    """souk.catalog.v1.StockService, for the order service only."""

    service = stock_pb.DESCRIPTOR.services_by_name["StockService"]

    def __init__(self, reservations: ReservationRpc, prices: VariantPricesRpc) -> None:
        self.price_lines = prices.price_lines
        self.reserve_stock = reservations.reserve_stock
        self.commit_stock = reservations.commit_stock
        self.release_stock = reservations.release_stock
