"""The endpoint over HTTP, with services as their contracts say behind it: the journey, calls in batches, errors, limits, bad requests."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.tests.world import USER, World, opened
from kit.errors import (
    INTERNAL_MESSAGE,
    FailedPrecondition,
    InvalidArgument,
    SoukError,
    Unavailable,
    Violation,
)
from kit.values import ACCOUNT, ORDER, PRODUCT

PRODUCT_ID = PRODUCT.format(PRODUCT.new())


@pytest.fixture(scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with opened(tmp_path_factory.mktemp("playground")) as world:
        yield world


@pytest.fixture(autouse=True)
def forget(world: World) -> None:
    world.recorder.calls.clear()
    world.recorder.raises.clear()


def error(answer: dict[str, Any]) -> dict[str, Any]:
    [only] = answer["errors"]
    extensions: dict[str, Any] = only["extensions"]
    return {**extensions, "message": only["message"], "path": only.get("path")}


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


async def test_a_list_makes_one_call_per_service_whatever_its_size(world: World) -> None:
    query = """query($first: Int) { orders(first: $first) { nodes {
        account { name } payment { status } notifications { subject } lines { product { name } } } } }"""
    for size in (2, 40):
        world.recorder.calls.clear()
        answer = await world.ask(query, first=size)
        assert len(answer["data"]["orders"]["nodes"]) == size
        assert sorted(world.recorder.names()) == [
            "BatchGetAccounts",
            "BatchGetPayments",
            "BatchGetProducts",
            "BatchListNotifications",
            "ListOrders",
        ]


async def test_orders_and_notifications_of_many_accounts_are_one_call_each(world: World) -> None:
    query = """query($first: Int) { accounts(first: $first) { nodes {
        orders(first: 3) { totalCount nodes { id } pageInfo { hasNextPage } } notifications(first: 2) { nodes { id } } } } }"""
    for size, expected in (
        (1, ["ListAccounts", "ListNotifications", "ListOrders"]),
        (60, ["BatchListAccountNotifications", "BatchListOrders", "ListAccounts"]),
    ):
        world.recorder.calls.clear()
        answer = await world.ask(query, first=size)
        nodes = answer["data"]["accounts"]["nodes"]
        assert len(nodes) == size
        assert all(len(node["orders"]["nodes"]) == 3 for node in nodes)
        assert all(len(node["notifications"]["nodes"]) == 2 for node in nodes)
        assert sorted(world.recorder.names()) == expected
    request, _ = world.recorder.last("BatchListOrders")
    assert (request.list.page_size, request.list.count_total) == (3, True)


async def test_a_batch_of_lists_is_limited_by_the_size_of_a_message(
    world: World,
) -> None:
    await world.ask("{ accounts(first: 25) { nodes { orders(first: 100) { nodes { id } } } } }")
    assert sorted(world.recorder.names()) == ["BatchListOrders"] * 3 + ["ListAccounts"]


async def test_an_empty_page_is_rejected_for_each_account(world: World) -> None:
    answer = await world.ask("{ accounts(first: 3) { nodes { id orders(first: 0) { nodes { id } } } } }")
    assert [node["orders"] for node in answer["data"]["accounts"]["nodes"]] == [None] * 3
    assert [error["extensions"]["fields"][0]["path"] for error in answer["errors"]] == [["first"]] * 3
    assert world.recorder.names() == ["ListAccounts"]


async def test_an_accounts_next_page_is_requested_alone(world: World) -> None:
    await world.ask(
        '{ me { orders(first: 3, after: "c") { nodes { id } } notifications(after: "d") { nodes { id } } } }'
    )
    assert world.recorder.last("ListOrders")[0].page_token == "c"
    assert world.recorder.last("ListNotifications")[0].page_token == "d"


async def test_a_failed_notification_has_its_reason(world: World) -> None:
    fields = "nodes { status failure sentAt }"
    answer = await world.ask(
        f'{{ sent: notifications(first: 1) {{ {fields} }} lost: notifications(first: 1, orderId: "ord_1") {{ {fields} }} }}'
    )
    [sent], [lost] = (answer["data"][name]["nodes"] for name in ("sent", "lost"))
    assert (sent["status"], sent["failure"]) == ("SENT", None)
    assert lost == {"status": "FAILED", "failure": "NOT_TAKEN", "sentAt": None}


async def test_a_total_is_computed_only_when_selected(world: World) -> None:
    await world.ask("{ products { nodes { id } } }")
    assert not world.recorder.last("SearchProducts")[0].count_total
    answer = await world.ask("{ products { ...page } } fragment page on ProductConnection { totalCount }")
    assert world.recorder.last("SearchProducts")[0].count_total
    assert answer["data"]["products"]["totalCount"] == 3


async def test_facets_and_highlights_are_computed_only_when_selected(world: World) -> None:
    await world.ask('{ products(query: "mug") { edges { node { id } } } }')
    request, _ = world.recorder.last("SearchProducts")
    assert not request.count_facets
    assert not request.highlight
    answer = await world.ask(
        '{ products(query: "mug") { edges { ...mark } facets { name values { value count } } } } '
        "fragment mark on ProductEdge { highlight }"
    )
    page = answer["data"]["products"]
    assert page["edges"][0]["highlight"] == "<em>Mug</em>"
    assert page["facets"] == [{"name": "currency", "values": [{"value": "USD", "count": 3}]}]


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


async def test_a_subscription_is_rejected_over_plain_http(world: World) -> None:
    answer = await world.ask('subscription { orderUpdated(id: "ord_1") { id } }')
    assert (error(answer)["code"], answer.get("data")) == ("BAD_REQUEST", None)


@pytest.mark.parametrize(
    ("raised", "shown"),
    [
        (
            InvalidArgument("wrong", fields=[Violation(("products", 0, "quantity"), "must be at least 1")]),
            {
                "code": "BAD_USER_INPUT",
                "fields": [{"path": ["products", 0, "quantity"], "message": "must be at least 1"}],
            },
        ),
        (
            FailedPrecondition(
                "few", reason="OUT_OF_STOCK", details={"lines": [{"product_id": "prod_1", "available": 2}]}
            ),
            {"code": "OUT_OF_STOCK", "lines": [{"productId": "prod_1", "available": 2}]},
        ),
        (Unavailable("down", reason="SEARCH_UNAVAILABLE"), {"code": "SERVICE_UNAVAILABLE"}),
        (KeyError("a secret"), {"code": "INTERNAL", "message": INTERNAL_MESSAGE}),
    ],
)
async def test_each_error_of_a_service_has_its_code(
    world: World, raised: Exception, shown: dict[str, Any]
) -> None:
    world.recorder.raises["PlaceOrder"] = raised
    answer = await world.ask(
        "mutation($i: CreateOrderInput!) { createOrder(input: $i) { id } }",
        i={"products": [{"id": PRODUCT_ID, "quantity": 1}]},
    )
    assert answer["data"] == {"createOrder": None}
    reported = error(answer)
    assert {name: reported[name] for name in shown} == shown
    assert reported["path"] == ["createOrder"]
    if not isinstance(raised, SoukError):
        assert "secret" not in json.dumps(answer)
        assert reported["correlationId"]


RELATIONS = {
    "BatchGetAccounts": "account",
    "BatchGetPayments": "payment",
    "BatchListNotifications": "notifications",
    "BatchGetProducts": "product",
}


@pytest.mark.parametrize("method", RELATIONS)
async def test_a_failing_service_nulls_its_own_field_only(world: World, method: str) -> None:
    world.recorder.raises[method] = Unavailable("down")
    answer = await world.ask(
        "{ orders(first: 1) { nodes { id account { id } payment { id } notifications { id } lines { product { id } } } } }"
    )
    [node] = answer["data"]["orders"]["nodes"]
    [line] = node.pop("lines")
    assert node.pop("id").startswith("ord_")
    assert {name for name, value in (node | line).items() if value is None} == {RELATIONS[method]}
    assert [entry["extensions"]["code"] for entry in answer["errors"]] == ["SERVICE_UNAVAILABLE"]


async def test_a_failing_service_nulls_its_own_root_field_only(world: World) -> None:
    world.recorder.raises["SearchProducts"] = Unavailable("down")
    answer = await world.ask("{ me { id } products { nodes { id } } categories { slug } }")
    assert answer["data"]["products"] is None
    assert answer["data"]["me"]
    assert answer["data"]["categories"]
    assert [entry["path"] for entry in answer["errors"]] == [["products"]]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ me { id ", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ unknown }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ __schema { types { name } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { me { id } } query B { me { id } }", "BAD_REQUEST"),
        ("{" + " ".join(f"a{n}: me {{ id }}" for n in range(31)) + "}", "QUERY_TOO_COMPLEX"),
        ("{ me { id " + "@include(if: true) " * 51 + "} }", "QUERY_TOO_COMPLEX"),
        ("{ me { id } } #" + "x" * 20_000, "QUERY_TOO_COMPLEX"),
        ("{ me { " + "id " * 2001 + "} }", "QUERY_TOO_COMPLEX"),
        (
            "{ me { orders { nodes { account { orders { nodes { account { orders { nodes { account { orders "
            "{ nodes { id } } } } } } } } } } } } }",
            "QUERY_TOO_COMPLEX",
        ),
    ],
)
async def test_rejected_documents_have_an_error_code(world: World, query: str, code: str) -> None:
    answer = (await world.post({"query": query})).json()
    assert {entry["extensions"]["code"] for entry in answer["errors"]} == {code}
    assert "data" not in answer
    assert "Did you mean" not in json.dumps(answer)
    assert world.recorder.calls == []


async def test_an_invalid_variable_names_its_field(world: World) -> None:
    answer = await world.ask(
        "mutation($i: CreateOrderInput!) { createOrder(input: $i) { id } }",
        i={"products": [{"id": PRODUCT_ID, "quantity": "two"}]},
    )
    assert error(answer)["code"] == "BAD_USER_INPUT"
    assert error(answer)["fields"][0]["path"] == ["products", 0, "quantity"]


@pytest.mark.parametrize("header", ["Bearer", "Bearer forged", "Basic eDp5", "Bearer a b"])
async def test_an_invalid_token_is_unauthenticated_for_every_operation(world: World, header: str) -> None:
    response = await world.post({"query": "{ me { id } }"}, authorization=header)
    assert response.status_code == 401
    assert error(response.json())["code"] == "UNAUTHENTICATED"


async def test_other_methods_content_types_and_sizes_are_rejected_as_graphql_errors(world: World) -> None:
    body = b'{"query": "{ me { id } }"}'
    responses = {
        405: await world.http.put("/graphql", content=body, headers={"content-type": "application/json"}),
        415: await world.http.post("/graphql", content=body, headers={"content-type": "text/plain"}),
        413: await world.post(b" " * (1024 * 1024 + 1)),
        400: await world.post(b'[{"query": "{ me { id } }"}]'),
    }
    for status, response in responses.items():
        assert response.status_code == status
        assert error(response.json())["code"] == "BAD_REQUEST"
    assert [error(response.json())["reason"] for response in responses.values()] == [
        "METHOD_NOT_ALLOWED",
        "CONTENT_TYPE_NOT_ALLOWED",
        "BODY_TOO_LARGE",
        "BATCHES_OFF",
    ]


async def test_the_specifications_media_type_has_its_statuses(world: World) -> None:
    accept = "application/graphql-response+json"
    fine = await world.post({"query": "{ me { id } }"}, accept=accept)
    assert (fine.status_code, fine.headers["content-type"]) == (200, accept)
    assert (await world.post({"query": "{ unknown }"}, accept=accept)).status_code == 400
    assert (await world.post({"query": "{ unknown }"})).status_code == 200


async def test_the_playground_is_served_from_our_own_files_only(world: World) -> None:
    page = await world.http.get("/playground")
    assert "playground" in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert (await world.http.get("/playground/settings.py")).status_code == 404
    assert (await world.http.get("/playground/..%2Fsettings.py")).status_code == 404
