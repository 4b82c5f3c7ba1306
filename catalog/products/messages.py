"""Protobuf messages of products <-> the domain. The rules for inputs are the domain's."""

from functools import lru_cache

from souk.catalog.v1 import product_pb2 as pb
from souk.catalog.v1 import product_service_pb2 as service

from catalog.categories.messages import category_from_proto, category_to_proto
from catalog.fields import STANDARD_TAX_CLASS
from catalog.options import ProductOption
from catalog.products.domain import Changes, Draft, Product, ProductWithStock
from kit.values import (
    PRODUCT,
    Money,
    money_from_proto,
    money_to_proto,
    timestamp_from_proto,
    timestamp_to_proto,
)

# About the number of products that are read over and over; each takes about 2 KB.
_CACHE_SIZE = 8192


def draft_from_proto(request: service.CreateProductRequest) -> Draft:
    """Raises InvalidArgument with all violations."""
    return Draft.parse(
        name=request.name,
        description=request.description,
        price=money_from_proto(request.price, "price"),
        sku=request.sku,
        category=request.category,
        image_urls=request.image_urls,
        stock=request.stock if request.HasField("stock") else None,
        tax_class=request.tax_class,
    )


def changes_from_proto(request: service.UpdateProductRequest) -> Changes:
    """Raises InvalidArgument with all violations."""
    return Changes.parse(
        name=request.name if request.HasField("name") else None,
        description=request.description if request.HasField("description") else None,
        price=money_from_proto(request.price, "price") if request.HasField("price") else None,
        sku=request.sku if request.HasField("sku") else None,
        category=request.category if request.HasField("category") else None,
        image_urls=request.images.urls if request.HasField("images") else None,
        tax_class=request.tax_class or None,
    )


def product_with_stock_to_proto(product: ProductWithStock, *, with_stock: bool) -> pb.Product:
    """`with_stock`: the quantity is for ADMIN only; whether there is any is for every caller."""
    message = pb.Product()
    message.CopyFrom(product_to_proto(product.product))
    message.available = product.available
    if with_stock and product.stock is not None:
        message.stock = product.stock
    return message


@lru_cache(_CACHE_SIZE)
def product_to_proto(product: Product) -> pb.Product:
    """Without stock. Do not modify the message: it is cached."""
    return pb.Product(
        id=PRODUCT.format(product.id),
        name=product.name,
        description=product.description,
        price=money_to_proto(product.price),
        sku=product.sku,
        category=category_to_proto(product.category) if product.category else None,
        image_urls=product.image_urls,
        version=product.version,
        create_time=timestamp_to_proto(product.create_time),
        update_time=timestamp_to_proto(product.update_time),
        options=[pb.ProductOption(name=option.name, values=option.values) for option in product.options],
        price_max=money_to_proto(product.price_max),
        tax_class=product.tax_class,
    )


def encode_product(product: Product) -> bytes:
    """The form in which Redis and the search index store a product."""
    return product_to_proto(product).SerializeToString()


@lru_cache(_CACHE_SIZE)
def decode_product(encoded: bytes) -> Product:
    """The inverse of `encode_product`."""
    message = pb.Product.FromString(encoded)
    price: Money = money_from_proto(message.price, "price")
    options = tuple(ProductOption(option.name, tuple(option.values)) for option in message.options)
    return Product(
        id=PRODUCT.parse(message.id, "id"),
        name=message.name,
        description=message.description,
        price=price,
        price_max=money_from_proto(message.price_max, "price_max") if options else price,
        sku=message.sku,
        category=category_from_proto(message.category) if message.HasField("category") else None,
        image_urls=tuple(message.image_urls),
        version=message.version,
        create_time=timestamp_from_proto(message.create_time),
        update_time=timestamp_from_proto(message.update_time),
        options=options,
        # Earlier releases encoded none.
        tax_class=message.tax_class or STANDARD_TAX_CLASS,
    )
