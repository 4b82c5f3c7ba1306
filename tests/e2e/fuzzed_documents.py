"""Runs documents that schemathesis generates from the schema; none may cause a server error. Arguments: gateway URL, schema, token.

A program of its own (test_fuzzed_documents starts it), because schemathesis needs another version of graphql-core than the services.
"""

import sys
from typing import Any

import schemathesis  # type: ignore[import-not-found]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes  # type: ignore[import-not-found]

_EXAMPLES = 20


def main(gateway: str, schema: str, token: str) -> None:
    """Runs several documents of every operation; raises at the first server error."""
    scalars = {
        "Decimal": st.decimals(allow_nan=False, allow_infinity=False).map(str),
        "DateTime": st.datetimes().map(lambda time: time.isoformat() + "Z"),
        "CurrencyCode": st.sampled_from(["USD", "EUR", "JPY", "XXX"]),
        "CountryCode": st.sampled_from(["CH", "US", "XX"]),
    }
    for name, texts in scalars.items():
        schemathesis.graphql.scalar(name, texts.map(nodes.String))
    results: list[int] = []
    operations = [operation.ok() for operation in schemathesis.graphql.from_path(schema).get_all_operations()]
    # Last, because it revokes the token.
    for operation in sorted(operations, key=lambda operation: bool(operation.label == "Mutation.logout")):
        if not operation.label.startswith("Subscription."):
            _run(operation, gateway, token, results)
    print(f"sent {len(results)}, executed {results.count(1)}")


def _run(operation: Any, gateway: str, token: str, results: list[int]) -> None:
    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        response = case.call(base_url=gateway, headers=headers)
        body = response.json()
        codes = {error["extensions"]["code"] for error in body.get("errors", ())}
        assert response.status_code < 500, (case.body, body)
        assert not codes & {"INTERNAL", "SERVICE_UNAVAILABLE", "DEADLINE_EXCEEDED"}, (case.body, body)
        results.append(1 if "data" in body else 0)

    run()


if __name__ == "__main__":
    main(*sys.argv[1:4])
