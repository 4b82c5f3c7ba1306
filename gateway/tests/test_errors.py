"""Errors of services and rejected requests over HTTP: codes, statuses and which fields they null."""

import json
from typing import Any

import pytest

from gateway.tests.operations import PRODUCT_ID
from gateway.tests.world import World, forget, world
from kit.errors import (
    INTERNAL_MESSAGE,
    FailedPrecondition,
    InvalidArgument,
    SoukError,
    Unavailable,
    Violation,
)

__all__ = ["forget", "world"]


def error(answer: dict[str, Any]) -> dict[str, Any]:
    [only] = answer["errors"]
    extensions: dict[str, Any] = only["extensions"]
    return {**extensions, "message": only["message"], "path": only.get("path")}


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


ADD = "mutation($l: [OrderProductInput!]!) { addToCart(lines: $l) { id } }"
UPDATE = "mutation($a: AddressInput!) { updateCart(input: {shippingAddress: $a}) { id } }"


@pytest.mark.parametrize(
    ("query", "variables", "faults"),
    [
        (
            ADD,
            {"l": [{"id": PRODUCT_ID, "quantity": 1}, {"id": PRODUCT_ID}]},
            {"lines.1.quantity": "is required"},
        ),
        (ADD, {"l": [{"id": None, "quantity": 1}]}, {"lines.0.id": "must not be null"}),
        (
            ADD,
            {"l": [{"id": "x", "quantity": 1, "zz": 2}]},
            {"lines.0.zz": "is not a field of OrderProductInput"},
        ),
        (ADD, {"l": [3]}, {"lines.0": "has to be an object"}),
        (ADD, {"l": None}, {"lines": "must not be null"}),
        (ADD, {}, {"lines": "is required"}),
        (
            UPDATE,
            {"a": {"name": "J", "city": None, "countryCode": "CH"}},
            {
                "shippingAddress.city": "must not be null",
                "shippingAddress.line1": "is required",
                "shippingAddress.postalCode": "is required",
            },
        ),
        (
            "query($c: CountryCode!) { shippingMethods(countryCode: $c) { id } }",
            {"c": "Great Britain"},
            {"countryCode": "must be a country code of two letters (ISO 3166-1), such as GB"},
        ),
    ],
)
async def test_a_variable_that_is_wrong_is_named_by_its_argument_in_plain_words(
    world: World, query: str, variables: dict[str, Any], faults: dict[str, str]
) -> None:
    errors = (await world.ask(query, **variables))["errors"]
    fields = [field for error in errors for field in error["extensions"]["fields"]]
    assert {".".join(map(str, field["path"])): field["message"] for field in fields} == faults
    assert [error["message"] for error in errors] == [
        f"{'.'.join(map(str, field['path']))}: {field['message']}" for field in fields
    ]


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        ("mutation { addToCart(lines: null) { id } }", "must not be null"),
        ('mutation { addToCart(lines: [{id: "x"}]) { id } }', "quantity is required"),
        ('{ shippingMethods(countryCode: "Great Britain") { id } }', "a country code of two letters"),
    ],
)
async def test_a_literal_that_is_wrong_is_described_in_plain_words(
    world: World, document: str, rule: str
) -> None:
    [error] = (await world.ask(document))["errors"]
    assert rule in error["message"]
    assert "None" not in error["message"]


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
