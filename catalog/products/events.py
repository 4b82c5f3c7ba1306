"""Domain events of products -> published messages."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from google.protobuf.message import Message
from souk.catalog.v1 import events_pb2 as pb

from catalog.products.domain import ProductCreated, ProductDeleted, ProductUpdated
from catalog.products.messages import product_to_proto
from kit.values import PRODUCT


def _created(event: ProductCreated) -> tuple[str, Message]:
    return PRODUCT.format(event.product.id), pb.ProductCreated(product=product_to_proto(event.product))


def _updated(event: ProductUpdated) -> tuple[str, Message]:
    return PRODUCT.format(event.product.id), pb.ProductUpdated(product=product_to_proto(event.product))


def _deleted(event: ProductDeleted) -> tuple[str, Message]:
    product_id = PRODUCT.format(event.product_id)
    return product_id, pb.ProductDeleted(product_id=product_id, version=event.version)


EVENTS: Final[Mapping[type, Callable[[Any], tuple[str, Message]]]] = {
    ProductCreated: _created,
    ProductUpdated: _updated,
    ProductDeleted: _deleted,
}
