"""Every operation of the schema, and every field that asks another service, has a row in the matrix. Needs no stack."""

from pathlib import Path

from graphql import GraphQLObjectType, build_schema

from tests.e2e.authorization import MATRIX

SCHEMA = Path(__file__).parents[2] / "gateway" / "schema.graphql"
_ROOTS = ("Query", "Mutation", "Subscription")
# Not for everybody who sees what they belong to.
_GUARDED = {"Product.stock", "OrderStatusChange.internalNote"}


def needed() -> set[str]:
    schema = build_schema(SCHEMA.read_text())
    found = set(_GUARDED)
    entities = {"Account", "Order", "Payment", "Product", "Notification", "AuditEvent"}
    for name, kind in schema.type_map.items():
        if not isinstance(kind, GraphQLObjectType) or name.startswith("__"):
            continue
        for field_name, field in kind.fields.items():
            of = str(field.type).strip("[]!")
            relation = (of in entities or field.args) and not name.endswith(
                ("Connection", "Edge", "AuthPayload")
            )
            if name in _ROOTS or relation:
                found.add(f"{name}.{field_name}")
    return found


def test_every_operation_has_a_row() -> None:
    assert needed() == set(MATRIX)
