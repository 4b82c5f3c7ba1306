"""What the storefront knows of the API exists: operations, and reasons of errors."""

import re
from pathlib import Path

from graphql import build_schema, parse, validate

from docs.site.error_reference import reasons

STOREFRONT = Path(__file__).parents[1]
SCHEMA = STOREFRONT.parents[1] / "gateway/schema.graphql"


def test_operations_are_valid_in_the_schema() -> None:
    document = parse((STOREFRONT / "src/operations.graphql").read_text())
    schema = build_schema(SCHEMA.read_text())
    assert len(document.definitions) > 20
    assert [error.message for error in validate(schema, document)] == []


def test_reasons_that_the_storefront_explains_exist() -> None:
    # A renamed reason would silently fall back to a general sentence.
    text = (STOREFRONT / "src/errors.ts").read_text()
    explained = set(re.findall(r"^  ([A-Z][A-Z_]+): '", text.split("BY_CODE")[0], re.MULTILINE))
    # NETWORK is the storefront's own: there was no answer.
    unknown = explained - {"NETWORK"} - {reason.reason for reason in reasons(STOREFRONT.parents[1])}
    assert len(explained) > 20
    assert unknown == set()
