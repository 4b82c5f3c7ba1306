"""The schema as clients hold on to it: printed, described, never broken; and every list in a constant number of calls."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, find_breaking_changes, get_named_type
from graphql import build_schema as parsed
from souk.account.v1 import account_pb2
from souk.notification.v1 import notification_pb2
from souk.order.v1 import order_pb2
from souk.payment.v1 import payment_pb2

from gateway.resolvers import make_schema
from gateway.tests.world import World, opened
from gateway.types.account import Role
from gateway.types.notification import NotificationFailure, NotificationStatus
from gateway.types.order import CancelReason, OrderStatus
from gateway.types.payment import PaymentStatus, RefundStatus
from kit.values import ACCOUNT, PRODUCT

FOLDER = Path(__file__).parent.parent
SCHEMA = FOLDER / "schema.graphql"
# What was promised to clients: python -m gateway schema > gateway/released.graphql, with each release.
RELEASED = FOLDER / "released.graphql"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


def test_the_printed_schema_is_the_one_that_is_served() -> None:
    # python -m gateway schema > gateway/schema.graphql
    assert SCHEMA.read_text().strip() == make_schema().as_str().strip()


def test_plain_fields_do_not_use_strawberrys_resolver() -> None:
    schema = make_schema()._schema
    fields = {
        f"{kind.name}.{name}": field.resolve
        for kind in schema.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if not kind.name.startswith("__")
    }
    assert [name for name, resolve in fields.items() if getattr(resolve, "_is_default", False)] == []
    assert fields["Product.createdAt"](SimpleNamespace(created_at="now"), None) == "now"


def test_everything_has_a_description() -> None:
    schema = make_schema()._schema
    bare = []
    for name, kind in schema.type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Boolean", "ID", "Float"):
            continue
        if not kind.description:
            bare.append(name)
        for field_name, field in getattr(kind, "fields", {}).items():
            if not field.description:
                bare.append(f"{name}.{field_name}")
            bare += [
                f"{name}.{field_name}({argument_name})"
                for argument_name, argument in getattr(field, "args", {}).items()
                if not argument.description
            ]
        bare += [
            f"{name}.{value_name}"
            for value_name, value in getattr(kind, "values", {}).items()
            if not value.description
        ]
    assert bare == []


def broken(new: GraphQLSchema) -> list[str]:
    return [change.description for change in find_breaking_changes(parsed(RELEASED.read_text()), new)]


def test_the_schema_has_no_breaking_change_since_the_release() -> None:
    assert broken(make_schema()._schema) == []


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("emailVerified: Boolean!", "emailVerified: Boolean"),
        ("idempotencyKey: String = null", "idempotencyKey: String!"),
        ("me: Account", "myself: Account"),
        ("  REFUNDED\n", "  GIVEN_BACK\n"),
    ],
)
def test_a_breaking_change_is_detected(was: str, becomes: str) -> None:
    text = SCHEMA.read_text()
    assert was in text
    assert len(broken(parsed(text.replace(was, becomes)))) >= 1


def test_every_enum_value_of_the_services_exists_in_the_schema() -> None:
    pairs: list[tuple[Any, Any]] = [
        (account_pb2.Role, Role),
        (order_pb2.OrderStatus, OrderStatus),
        (order_pb2.CancelReason, CancelReason),
        (payment_pb2.PaymentStatus, PaymentStatus),
        (payment_pb2.RefundStatus, RefundStatus),
        (notification_pb2.NotificationStatus, NotificationStatus),
        (notification_pb2.NotificationFailure, NotificationFailure),
    ]
    for contract, shown in pairs:
        [nothing, *names] = contract.keys()
        prefix = nothing.removesuffix("UNSPECIFIED")
        assert [name.removeprefix(prefix) for name in names] == [value.name for value in shown]


# Per type that lists hold, all of its relations that load in batches.
WITHIN = {
    "Account": "id orders(first: 1) { nodes { id payment { id } } totalCount } notifications(first: 3) { nodes { id } }",
    "AuditEvent": "id",
    "Notification": "id",
    "Order": "id account { name } payment { id } notifications { id } lines { product { name category { id } } }",
    "Product": "id category { id } variants(first: 2) { nodes { id product { id } } totalCount }",
    "ShippingZone": "id methods { rates { price } }",
    "Variant": "id product { id }",
}


def lists() -> list[tuple[str, str, str]]:
    """(type, field, what it lists) of every field with pages."""
    rows = []
    for name, kind in make_schema()._schema.type_map.items():
        if not isinstance(kind, GraphQLObjectType):
            continue
        for field_name, field in kind.fields.items():
            of = get_named_type(field.type).name
            if "first" in field.args and of.endswith("Connection"):
                rows.append((name, field_name, of.removesuffix("Connection")))
    return rows


@pytest.mark.parametrize(("parent", "field", "of"), lists())
async def test_a_list_makes_the_same_calls_whatever_its_size(
    world: World, parent: str, field: str, of: str
) -> None:
    calls: list[list[str]] = []
    for size in (2, 60):
        inner = f"{field}(first: {size}) {{ nodes {{ {WITHIN[of]} }} edges {{ cursor node {{ id }} }} }}"
        account = ACCOUNT.format(ACCOUNT.new())
        product = PRODUCT.format(PRODUCT.new())
        document = {
            "Query": f"{{ {inner} }}",
            "Account": f'{{ account(id: "{account}") {{ {inner} }} }}',
            "Product": f'{{ product(id: "{product}") {{ {inner} }} }}',
        }[parent]
        world.recorder.calls.clear()
        answer: dict[str, Any] = await world.ask(document)
        assert "errors" not in answer
        calls.append(sorted(world.recorder.names()))
    assert calls[0] == calls[1]
    assert len(calls[0]) == len(set(calls[0])), "a service is asked twice for the same"
