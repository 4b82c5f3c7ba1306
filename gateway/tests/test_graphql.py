"""The endpoint over HTTP with fake services behind it: the journey, and what each operation passes on."""

import pytest
from souk.order.v1 import order_pb2

from gateway.tests.operations import PRODUCT_ID
from gateway.tests.world import USER, World, forget, world
from kit.errors import NotFound
from kit.values import ACCOUNT, ORDER

__all__ = ["forget", "world"]


async def test_the_three_documented_mutations_work_verbatim(world: World) -> None:
    registered = await world.ask(
        'mutation { register(input: {name: "John Doe", email: "john@example.com", password: "SecurePass123!"}) '
        "{ account { id name email } accessToken } }"
    )
    assert registered["data"]["register"]["account"]["email"] == "john@example.com"
    created = await world.ask(
        'mutation { createProduct(input: {name: "Laptop", description: "High-performance laptop", price: 999.99}) '
        "{ id name price } }"
    )
    assert created["data"]["createProduct"]["price"] == "999.99"
    account_id = ACCOUNT.format(USER.account_id)
    placed = await world.ask(
        f'mutation {{ createOrder(input: {{accountId: "{account_id}", products: '
        f'[{{id: "{PRODUCT_ID}", quantity: 2}}]}}) {{ id totalPrice status }} }}'
    )
    assert placed["data"]["createOrder"]["status"] == "PENDING"
    assert placed["data"]["createOrder"]["totalPrice"] == "19.98"


async def test_the_callers_token_and_request_id_reach_the_services(world: World) -> None:
    await world.post(
        {"query": f'{{ product(id: "{PRODUCT_ID}") {{ id }} }}'},
        signed_in=True,
        **{"x-request-id": "abc-123"},
    )
    _, call = world.recorder.last("GetProduct")
    assert call.principal is not None
    assert call.principal.account_id == USER.account_id
    assert call.correlation_id == "abc-123"


async def test_a_failed_notification_has_its_reason(world: World) -> None:
    fields = "nodes { status failure sentAt }"
    answer = await world.ask(
        f'{{ sent: notifications(first: 1) {{ {fields} }} lost: notifications(first: 1, orderId: "ord_1") {{ {fields} }} }}'
    )
    [sent], [lost] = (answer["data"][name]["nodes"] for name in ("sent", "lost"))
    assert (sent["status"], sent["failure"]) == ("SENT", None)
    assert lost == {"status": "FAILED", "failure": "NOT_TAKEN", "sentAt": None}


async def test_suggestions_and_counts_of_categories(world: World) -> None:
    answer = await world.ask(
        '{ productSuggestions(prefix: "lap", first: 2) categories { slug productCount } }'
    )
    assert answer["data"] == {
        "productSuggestions": ["laptop", "lappad"],
        "categories": [{"slug": "s", "productCount": 4}],
    }
    request, _ = world.recorder.last("SuggestProducts")
    assert (request.prefix, request.page_size) == ("lap", 2)


async def test_me_is_null_without_a_token(world: World) -> None:
    assert (await world.ask("{ me { id } }", signed_in=False)) == {"data": {"me": None}}
    assert (await world.ask("{ me { id } }"))["data"]["me"]["id"] == ACCOUNT.format(USER.account_id)


async def test_an_absent_order_is_null_without_an_error(world: World) -> None:
    assert await world.ask('{ order(id: "ord_01h455vb4pex5vsknk084sn02q") { id } }') == {
        "data": {"order": None}
    }


async def test_amounts_are_exact_in_and_out(world: World) -> None:
    body = (
        b'{"query": "mutation($p: Decimal!) { createProduct(input: {name: \\"x\\", description: \\"\\", price: $p}) '
        b'{ price } }", "variables": {"p": 1234567890.01}}'
    )
    answer = (await world.post(body, signed_in=True)).json()
    assert answer["data"]["createProduct"]["price"] == "1234567890.01"


async def test_an_order_without_a_key_gets_a_request_id(world: World) -> None:
    query = "mutation($i: CreateOrderInput!) { createOrder(input: $i) { id } }"
    products = [{"id": PRODUCT_ID, "quantity": 1}]
    await world.ask(query, i={"products": products})
    made, _ = world.recorder.last("PlaceOrder")
    assert len(made.request_id) > 20
    await world.ask(query, i={"products": products, "idempotencyKey": "mine"})
    given, _ = world.recorder.last("PlaceOrder")
    assert given.request_id == "mine"
    assert {made.client_request_id, given.client_request_id} == {False}


async def test_changes_of_an_order_pass_their_input(world: World) -> None:
    order_id = ORDER.format(ORDER.new())
    cancelled = await world.ask(
        'mutation($id: ID!) { cancelOrder(id: $id, reason: "too late") { status cancelReason statusReason } }',
        id=order_id,
    )
    assert cancelled["data"]["cancelOrder"] == {
        "status": "CANCELLED",
        "cancelReason": "CUSTOMER",
        "statusReason": "too late",
    }
    moved = await world.ask(
        'mutation($id: ID!) { updateOrderStatus(id: $id, status: SHIPPED, note: "by bike", internalNote: "late") '
        "{ history { status note internalNote } } }",
        id=order_id,
    )
    assert moved["data"]["updateOrderStatus"]["history"][-1] == {
        "status": "SHIPPED",
        "note": "by bike",
        "internalNote": "late",
    }


@pytest.mark.parametrize(
    ("given", "sent"), [("amount: 10.50, ", "10.50"), ('amount: "10.5", ', "10.5"), ("", "")]
)
async def test_a_refund_passes_its_input(world: World, given: str, sent: str) -> None:
    answer = await world.ask(
        f'mutation {{ refundPayment(paymentId: "pay_1", {given}reason: "damaged", idempotencyKey: "k") {{ status }} }}'
    )
    assert answer["data"]["refundPayment"]["status"] == "PARTIALLY_REFUNDED"
    request, _ = world.recorder.last("RefundPayment")
    assert (request.payment_id, request.amount, request.reason, request.request_id) == (
        "pay_1",
        sent,
        "damaged",
        "k",
    )


async def test_a_payment_is_started_for_an_order_that_the_caller_may_see(world: World) -> None:
    products = f'products: [{{id: "{PRODUCT_ID}", quantity: 1}}]'
    placed = await world.ask(f"mutation {{ createOrder(input: {{{products}}}) {{ id }} }}")
    order_id = placed["data"]["createOrder"]["id"]
    mutation = f'mutation {{ startPayment(orderId: "{order_id}") {{ status clientSecret payBefore }} }}'
    answer = await world.ask(mutation)
    assert answer["data"]["startPayment"]["status"] == "REQUIRES_ACTION"
    assert answer["data"]["startPayment"]["clientSecret"] == "pi_1_secret_2"
    assert answer["data"]["startPayment"]["payBefore"]
    assert world.recorder.last("StartPayment")[0].order_id == order_id

    world.recorder.raises["GetOrder"] = NotFound("no order", reason="ORDER_NOT_FOUND")
    calls = world.recorder.names().count("StartPayment")
    rejected = await world.ask(mutation)
    assert rejected["errors"][0]["extensions"]["reason"] == "ORDER_NOT_FOUND"
    assert world.recorder.names().count("StartPayment") == calls


@pytest.mark.parametrize(
    ("mutation", "argument"),
    [
        ('startPayment(orderId: "ord_nope") { id }', "orderId"),
        ('setVariants(productId: "prod_nope", options: [], variants: []) { id }', "productId"),
    ],
)
async def test_an_id_that_is_none_is_named_by_its_argument(
    world: World, mutation: str, argument: str
) -> None:
    [error] = (await world.ask(f"mutation {{ {mutation} }}"))["errors"]
    assert [field["path"] for field in error["extensions"]["fields"]] == [[argument]]
    assert (error["extensions"]["reason"], error["message"].split(":")[0]) == ("INVALID_ID", argument)
    assert world.recorder.names() == []


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("", order_pb2.PAYMENT_CONFIRMATION_SERVER),
        (", confirmation: CLIENT", order_pb2.PAYMENT_CONFIRMATION_CLIENT),
    ],
)
async def test_an_order_says_who_confirms_its_payment(world: World, given: str, sent: int) -> None:
    products = f'products: [{{id: "{PRODUCT_ID}", quantity: 1}}]'
    await world.ask(f"mutation {{ createOrder(input: {{{products}{given}}}) {{ id }} }}")
    assert world.recorder.last("PlaceOrder")[0].confirmation == sent


async def test_stock_is_adjusted_and_set(world: World) -> None:
    adjusted = await world.ask(
        f'mutation {{ adjustStock(productId: "{PRODUCT_ID}", delta: -3, reason: "lost", idempotencyKey: "k") {{ stock }} }}'
    )
    assert adjusted["data"]["adjustStock"]["stock"] == 7
    request, _ = world.recorder.last("AdjustStock")
    assert (request.delta, request.reason, request.request_id) == (-3, "lost", "k")
    for given, stock, expected in (
        ("stock: 0, expected: 5", 0, 5),
        ("stock: null", None, None),
        ("", None, None),
    ):
        given = f", {given}" if given else ""
        answer = await world.ask(f'mutation {{ setStock(productId: "{PRODUCT_ID}"{given}) {{ stock }} }}')
        assert answer["data"]["setStock"]["stock"] == stock
        request, _ = world.recorder.last("SetStock")
        assert (request.stock if request.HasField("stock") else None) == stock
        assert (request.expected if request.HasField("expected") else None) == expected


async def test_the_playground_is_served_from_our_own_files_only(world: World) -> None:
    page = await world.http.get("/playground")
    assert "playground" in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert (await world.http.get("/playground/settings.py")).status_code == 404
    assert (await world.http.get("/playground/..%2Fsettings.py")).status_code == 404
