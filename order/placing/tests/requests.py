"""PlaceOrderRequests and their validation."""

from typing import Any
from uuid import uuid4

import pytest
from souk.order.v1 import order_service_pb2 as pb

from kit.errors import InvalidArgument
from kit.values import PRODUCT
from order.placing import messages
from order.placing.domain import PlaceOrder

CALLER = uuid4()
PRODUCT_ID = PRODUCT.format(PRODUCT.new())
OTHER_ID = PRODUCT.format(PRODUCT.new())
HOME = {"name": "John Doe", "line1": "Bahnhofstrasse 1", "city": "Zürich", "country_code": "CH"}
RequestLine = pb.PlaceOrderRequest.Line


def request(*lines: RequestLine, **fields: Any) -> pb.PlaceOrderRequest:
    chosen = lines or (RequestLine(product_id=PRODUCT_ID, quantity=1),)
    return pb.PlaceOrderRequest(**{"lines": chosen, "request_id": "key-1", **fields})


def command_from_proto(message: pb.PlaceOrderRequest) -> PlaceOrder:
    return messages.command_from_proto(message, CALLER, "pm_card_visa")


def invalid_fields(message: pb.PlaceOrderRequest) -> list[str]:
    with pytest.raises(InvalidArgument) as rejection:
        command_from_proto(message)
    return [".".join(map(str, fault.path)) for fault in rejection.value.fields]


def line(product_id: str = PRODUCT_ID, quantity: int = 1) -> RequestLine:
    return RequestLine(product_id=product_id, quantity=quantity)
