"""The gRPC servicer of products: each aggregate serves its own methods. The servicer of reservations is `reservations.rpc`."""

from souk.catalog.v1 import product_service_pb2 as pb

from catalog.categories.rpc import CategoriesRpc
from catalog.products.rpc import ProductsRpc
from catalog.search.rpc import SearchRpc
from catalog.stock.rpc import StockRpc


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
