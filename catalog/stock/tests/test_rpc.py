"""The gRPC methods of stock on a server in this process: mapping and rejections."""

from typing import Any

import pytest

from catalog.tests.edge import Edge, edge
from kit.errors import (
    Aborted,
    FailedPrecondition,
    NotFound,
)
from kit.values import PRODUCT

__all__ = ["edge"]


async def test_adjust_stock_applies_a_change_once_per_request_id(edge: Edge) -> None:
    product = await edge.create(stock=5)
    fields: dict[str, Any] = {
        "product_id": product.id,
        "delta": -2,
        "request_id": "monday",
        "reason": "broken",
    }

    first, again = [(await edge.call(edge.admin, "AdjustStock", **fields)).product for _ in range(2)]

    assert (first.stock, first.version, again) == (3, product.version, first)
    with pytest.raises(Aborted) as error:
        await edge.call(edge.admin, "AdjustStock", **{**fields, "delta": -1})
    assert error.value.reason == "IDEMPOTENCY_CONFLICT"
    assert (await edge.get(edge.admin, product.id)).stock == 3


async def test_adjust_stock_does_not_use_up_the_request_id_of_a_rejected_change(
    edge: Edge,
) -> None:
    mug, pot = await edge.create(stock=5), await edge.create()

    for product, reason in ((mug, "INSUFFICIENT_STOCK"), (pot, "NOT_TRACKED")):
        with pytest.raises(FailedPrecondition) as error:
            await edge.call(edge.admin, "AdjustStock", product_id=product.id, delta=-6, request_id="monday")
        assert error.value.reason == reason
    await edge.call(edge.admin, "AdjustStock", product_id=mug.id, delta=-5, request_id="monday")
    assert not (await edge.get(None, mug.id)).available


async def test_adjust_stock_reports_all_violations(edge: Edge) -> None:
    product = await edge.create(stock=5)

    assert await edge.violations("AdjustStock", product_id=product.id, delta=2**40, reason="r" * 501) == [
        ("delta",),
        ("reason",),
        ("idempotencyKey",),
    ]
    assert await edge.violations("AdjustStock", product_id="7", request_id="monday") == [("productId",)]


async def test_set_stock_sets_the_quantity_or_stops_tracking(edge: Edge) -> None:
    product = await edge.create(stock=5)

    assert (
        await edge.call(edge.admin, "SetStock", product_id=product.id, stock=0, expected=5)
    ).product.stock == 0
    stopped = (await edge.call(edge.admin, "SetStock", product_id=product.id)).product
    assert (stopped.HasField("stock"), stopped.available, stopped.version) == (False, True, product.version)
    assert (await edge.call(edge.admin, "SetStock", product_id=product.id, stock=9)).product.stock == 9


async def test_set_stock_rejects_unexpected_stock_and_reports_the_current_one(edge: Edge) -> None:
    product = await edge.create(stock=5)

    with pytest.raises(Aborted) as error:
        await edge.call(edge.admin, "SetStock", product_id=product.id, stock=9, expected=4)
    assert (error.value.reason, error.value.details["stock"]) == ("VERSION_CONFLICT", 5)
    assert await edge.violations("SetStock", product_id=product.id, stock=-1, expected=-1) == [
        ("stock",),
        ("expected",),
    ]


@pytest.mark.parametrize("method", ["AdjustStock", "SetStock"])
async def test_the_stock_of_an_unknown_product_is_not_found(edge: Edge, method: str) -> None:
    deleted = await edge.create(stock=5)
    await edge.call(edge.admin, "DeleteProduct", product_id=deleted.id)
    fields = {"request_id": "monday"} if method == "AdjustStock" else {}

    for product_id in (deleted.id, PRODUCT.format(PRODUCT.new())):
        with pytest.raises(NotFound):
            await edge.call(edge.admin, method, product_id=product_id, **fields)
