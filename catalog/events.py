"""What the catalog publishes: facts -> messages, one table."""

from google.protobuf.message import Message
from souk.catalog.v1 import events_pb2 as pb

from catalog.domain import ProductAvailabilityChanged, ProductCreated, ProductDeleted, ProductUpdated
from catalog.messages import product_to_proto
from kit.events import AUDIT, Topic
from kit.values import PRODUCT


def _created(fact: ProductCreated) -> tuple[str, Message]:
    return PRODUCT.format(fact.product.id), pb.ProductCreated(product=product_to_proto(fact.product))


def _updated(fact: ProductUpdated) -> tuple[str, Message]:
    return PRODUCT.format(fact.product.id), pb.ProductUpdated(product=product_to_proto(fact.product))


def _deleted(fact: ProductDeleted) -> tuple[str, Message]:
    product_id = PRODUCT.format(fact.product_id)
    return product_id, pb.ProductDeleted(product_id=product_id, version=fact.version)


def _availability_changed(fact: ProductAvailabilityChanged) -> tuple[str, Message]:
    product_id = PRODUCT.format(fact.product_id)
    return product_id, pb.ProductAvailabilityChanged(product_id=product_id, available=fact.available)


TOPIC = Topic(
    "souk.catalog.v1",
    {
        ProductCreated: _created,
        ProductUpdated: _updated,
        ProductDeleted: _deleted,
        ProductAvailabilityChanged: _availability_changed,
    },
    also=AUDIT,
)
