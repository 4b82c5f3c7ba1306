"""From a correlation id to all spans and lines of a request, across every service and its servers, on the start page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from tests.e2e.documents import CREATE_ORDER
from tests.e2e.responses import within
from tests.e2e.stack import StackUnderTest, running_stack
from tests.e2e.storefront import DESK, PHONE, Buyer, buyer

_PATIENCE_MS = 30_000
_SECONDS = 30.0
# What an order sets off: each is a span of the service, by the start of its name.
_EXPECTED = {
    ("gateway", "HTTP POST"),
    ("gateway", "souk.order.v1.OrderService/PlaceOrder"),
    ("order", "souk.order.v1.OrderService/PlaceOrder"),
    ("order", "postgresql"),
    ("catalog", "souk.catalog.v1.StockService/ReserveStock"),
    ("catalog", "postgresql"),
    ("payment", "work payments"),
    ("payment", "stripe"),
    ("order", "consume souk.payment.v1.PaymentSucceeded"),
    ("notification", "work mails"),
    ("notification", "smtp send"),
}


@pytest.fixture(scope="session")
def stack() -> Iterator[StackUnderTest]:
    """A stack with a log store, as `make run` has it."""
    with running_stack(observed=True) as running:
        yield running


async def place_order(stack: StackUnderTest, correlation: str) -> str:
    """Places an order under a correlation id of our own and waits until it is confirmed; returns its id."""
    async with stack.shop() as shop:
        person = await shop.register()
        # A catalogue that was just seeded is indexed within a second or so.
        products = await within(_SECONDS, lambda: shop.search("lamp"), "the lamps of the catalogue")
        headers = {"Authorization": f"Bearer {person.token}", "X-Request-ID": correlation}
        fields = {"accountId": person.id, "products": [{"id": products[0], "quantity": 1}]}
        body = {"query": CREATE_ORDER, "variables": {"input": fields}}
        order: str = (await shop.post(body, headers)).get("createOrder")["id"]
        await person.wait_for_status(order, "CONFIRMED")
        return order


async def opens(person: Buyer, identity: str) -> set[tuple[str, str]]:
    """Opens the page of an id; returns the service and the name of every span."""
    await person.open(f"/?id={identity}")
    await expect(person.page.locator("#found-summary")).not_to_be_empty(timeout=_PATIENCE_MS)
    rows = person.page.locator("#waterfall > div")
    pairs = await rows.evaluate_all("rows => rows.map((row) => [row.dataset.service, row.dataset.name])")
    return {(service, name) for service, name in pairs}


def missing(spans: set[tuple[str, str]]) -> list[tuple[str, str]]:
    return [
        (service, name)
        for service, name in _EXPECTED
        if not any(span == service and shown.startswith(name) for span, shown in spans)
    ]


async def test_an_order_is_shown_from_the_gateway_to_its_mail(stack: StackUnderTest) -> None:
    order = await place_order(stack, "a-readers-request")
    async with buyer(stack, DESK) as person:
        person.shop = stack.gateway

        async def complete() -> bool:
            spans = await opens(person, "a-readers-request")
            assert not missing(spans), (missing(spans), spans)
            return True

        await within(_SECONDS, complete, "spans of all services")
        await expect(person.page.locator("#lines")).to_contain_text("order.placed")
        await expect(person.page.locator("#lines")).to_contain_text("http.request")
        await person.page.locator("#waterfall summary", has_text="PlaceOrder").first.click()
        await expect(person.page.locator("#waterfall details[open]")).to_contain_text("trace_id")
        await person.looks("request-desk")
        assert not missing(await opens(person, order))
        link = person.page.get_by_role("link", name="Open them in the log store")
        await link.click()
        await expect(person.page.get_by_text("order.placed").first).to_be_visible(timeout=_PATIENCE_MS)


async def test_from_the_id_of_a_failed_request_to_its_lines_in_one_click(stack: StackUnderTest) -> None:
    # Every response has it as X-Request-ID, and an INTERNAL error in its extensions too.
    correlation = "a-failed-request"
    async with stack.shop() as shop:
        body = {"query": '{ order(id: "nonsense") { id } }'}
        assert (await shop.post(body, {"X-Request-ID": correlation})).codes == ["UNAUTHENTICATED"]
    async with buyer(stack, PHONE) as person:
        person.shop = stack.gateway
        await person.open()
        await person.page.get_by_label(re.compile("Correlation id")).fill(correlation)

        async def complete() -> bool:
            await person.clicks("Find")
            await expect(person.page.locator("#lines")).to_contain_text("http.request", timeout=5_000)
            return True

        await within(_SECONDS, complete, "the request's line")
        await person.looks("request-phone")
        width = await person.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("ord_unknown", "Nothing has the id ord_unknown"), ('"*" or x', "an id has 3 to 128 letters")],
)
async def test_an_id_without_records_is_reported(stack: StackUnderTest, text: str, message: str) -> None:
    async with buyer(stack, DESK) as person:
        person.shop = stack.gateway
        await person.open()
        await person.page.get_by_label(re.compile("Correlation id")).fill(text)
        await person.clicks("Find")
        await expect(person.page.locator("#found-summary")).to_contain_text(message, timeout=_PATIENCE_MS)


async def test_a_log_store_that_is_down_is_named(stack: StackUnderTest) -> None:
    stack.stop("log-store")
    try:
        async with buyer(stack, DESK) as person:
            person.shop = stack.gateway
            await person.open("/?id=ord_1")
            await expect(person.page.locator("#found-summary")).to_contain_text(
                "does not respond; the table of parts shows its state", timeout=_PATIENCE_MS
            )
            await expect(person.page.locator("#summary")).to_have_text(
                "log-store is stopped", timeout=_PATIENCE_MS
            )
    finally:
        stack.start("log-store")
