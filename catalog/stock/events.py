"""Domain events of stock -> published messages."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from google.protobuf.message import Message
from souk.catalog.v1 import events_pb2 as pb

from catalog.stock.domain import ProductAvailabilityChanged
from kit.values import PRODUCT, VARIANT


def _availability_changed(event: ProductAvailabilityChanged) -> tuple[str, Message]:
    product_id = PRODUCT.format(event.product_id)
    return product_id, pb.ProductAvailabilityChanged(
        product_id=product_id,
        available=event.available,
        variant_id=VARIANT.format(event.variant_id or event.product_id),
    )


EVENTS: Final[Mapping[type, Callable[[Any], tuple[str, Message]]]] = {
    ProductAvailabilityChanged: _availability_changed
}
