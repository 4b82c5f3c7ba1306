"""Placing orders of a shop with rules, on fakes."""

from dataclasses import replace
from typing import Any

import pytest

from kit.auth import Principal
from kit.testing.principals import customer
from order.orders.domain import Order
from order.orders.ports import StockState
from order.placing.domain import PlaceOrder
from order.tests.fakes import place_order
from order.tests.rules import HOME
from order.tests.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def order_of(caller: Principal, quantity: int = 1, **fields: Any) -> PlaceOrder:
    fields = {"shipping_address": HOME, **fields}
    return replace(place_order(caller.account_id, quantity, key=fields.pop("key", None)), **fields)


async def place(shop: Shop, quantity: int = 1, *, caller: Principal | None = None, **fields: Any) -> Order:
    caller = caller or customer()
    return await shop.placing.place(caller, order_of(caller, quantity, **fields))


def held(shop: Shop) -> list[StockState]:
    return [state for state in shop.catalog.states.values() if state is not StockState.RELEASED]
