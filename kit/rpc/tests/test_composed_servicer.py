"""A servicer composed of parts."""

import pytest
from souk.order.v1 import order_service_pb2 as pb

from kit.rpc import ComposedServicer, Server


class Orders:
    async def get_order(self) -> str:
        return "one"


class Placing:
    async def place_order(self) -> str:
        return "placed"


class OrderRpc(ComposedServicer):
    service = pb.DESCRIPTOR.services_by_name["OrderService"]


async def test_each_rpc_is_the_method_of_its_part() -> None:
    servicer = OrderRpc(Orders(), Placing())
    assert await getattr(servicer, "get_order")() == "one"  # noqa: B009 - composed at run time
    assert await getattr(servicer, "place_order")() == "placed"  # noqa: B009


def test_an_rpc_of_two_parts_is_rejected() -> None:
    with pytest.raises(TypeError, match="OrderRpc: several parts have get_order"):
        OrderRpc(Orders(), Placing(), Orders())


def test_the_server_rejects_a_servicer_whose_parts_lack_an_rpc() -> None:
    with pytest.raises(TypeError, match=r"OrderRpc lacks .*CancelOrder"):
        Server([OrderRpc(Orders(), Placing())], host="127.0.0.1", port=0)
