"""The client of the catalog against its contract: requests, responses, paths of errors."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from kit.errors import NotFound, Violation
from kit.rpc import Server
from kit.values import ORDER, PRODUCT, VARIANT, Money
from order.lines.domain import Line, OptionValue
from order.orders.ports import StockState
from order.peers import Catalog
from order.tests.fakes import place_order
from order.tests.stubs import StockRpc


@pytest.fixture
async def peer() -> AsyncIterator[tuple[StockRpc, Catalog]]:
    rpc = StockRpc()
    server = Server([rpc], host="127.0.0.1", port=0)
    await server.start()
    catalog = Catalog(f"127.0.0.1:{server.port}")
    await catalog.open()
    yield rpc, catalog
    await catalog.close()
    await server.stop(0)


async def test_the_reservation_request_has_every_product_and_the_expected_total(
    peer: tuple[StockRpc, Catalog],
) -> None:
    rpc, catalog = peer
    order_id = ORDER.new()

    reservation = await catalog.reserve(order_id, replace(place_order(uuid4(), 2), expected_total="19.98"))

    assert (rpc.requests[0].order_id, rpc.requests[0].expected_total) == (ORDER.format(order_id), "19.98")
    assert reservation.state is StockState.HELD
    assert reservation.lines[0].total == Money(1998, "USD")
    assert reservation.expire_time == rpc.expire_time


async def test_products_and_variants_are_reserved_as_they_were_named_and_lines_keep_the_variant(
    peer: tuple[StockRpc, Catalog],
) -> None:
    rpc, catalog = peer
    mug, shirt = PRODUCT.new(), VARIANT.new()
    command = replace(place_order(uuid4()), quantities={mug: 1, shirt: 2}, by_product=frozenset({mug}))

    reservation = await catalog.reserve(ORDER.new(), command)

    named = [line.product_id for line in rpc.requests[0].lines]
    assert named == [PRODUCT.format(mug), VARIANT.format(shirt)]
    assert reservation.lines == (
        Line(mug, "Mug", Money(999, "USD"), 1, variant_id=mug),
        Line(
            shirt,
            "Mug",
            Money(999, "USD"),
            2,
            variant_id=shirt,
            sku="MUG-R",
            options=(OptionValue("Color", "red"),),
        ),
    )


async def test_an_error_of_the_catalog_names_the_line_of_the_callers_request(
    peer: tuple[StockRpc, Catalog],
) -> None:
    rpc, catalog = peer
    rpc.rejection = NotFound(
        "gone", reason="PRODUCT_NOT_FOUND", fields=[Violation(("products", 1, "id"), "no such product")]
    )
    command = replace(
        place_order(uuid4()), quantities={PRODUCT.new(): 1, PRODUCT.new(): 1}, first_lines=(0, 4)
    )

    with pytest.raises(NotFound) as rejection:
        await catalog.reserve(ORDER.new(), command)

    assert [fault.path for fault in rejection.value.fields] == [("products", 4, "id")]
    assert rejection.value.reason == "PRODUCT_NOT_FOUND"


async def test_commit_and_release_return_the_state(peer: tuple[StockRpc, Catalog]) -> None:
    _, catalog = peer

    assert await catalog.commit(ORDER.new()) is StockState.COMMITTED
    assert await catalog.release(ORDER.new()) is StockState.RETURNED
