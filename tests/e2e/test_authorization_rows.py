"""Every operation of the schema, and every field that another service resolves, has a row in the access matrix. Needs no stack."""

from pathlib import Path

from graphql import GraphQLObjectType, build_schema

from tests.e2e.authorization import MATRIX

SCHEMA = Path(__file__).parents[2] / "gateway" / "schema.graphql"
_ROOTS = ("Query", "Mutation", "Subscription")
# Not every reader of the parent may see these.
_RESTRICTED = {"Payment.clientSecret", "Product.stock", "OrderStatusChange.internalNote"}


def required_rows() -> set[str]:
    schema = build_schema(SCHEMA.read_text())
    rows = set(_RESTRICTED)
    entities = {
        "Account",
        "Order",
        "Payment",
        "Product",
        "Notification",
        "AuditEvent",
        "SavedAddress",
        "SavedMethod",
    }
    for name, kind in schema.type_map.items():
        if not isinstance(kind, GraphQLObjectType) or name.startswith("__"):
            continue
        for field_name, field in kind.fields.items():
            type_name = str(field.type).strip("[]!")
            relation = (type_name in entities or field.args) and not name.endswith(
                ("Connection", "Edge", "AuthPayload")
            )
            if name in _ROOTS or relation:
                rows.add(f"{name}.{field_name}")
    return rows


def test_every_operation_has_a_row() -> None:
    assert required_rows() == set(MATRIX)
