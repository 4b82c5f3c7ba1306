"""Documents that schemathesis makes of the schema, asked of a gateway: none may be a server error. Arguments: URL, schema, token.

Runs by itself (test_fuzzed_documents starts it), because schemathesis wants another graphql-core than the services have.
"""

import sys
from typing import Any

import schemathesis  # type: ignore[import-not-found]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes  # type: ignore[import-not-found]

_EXAMPLES = 20


def main(gateway: str, schema: str, token: str) -> None:
    """Asks so many documents of each operation; raises at the first server error."""
    scalars = {
        "Decimal": st.decimals(allow_nan=False, allow_infinity=False).map(str),
        "DateTime": st.datetimes().map(lambda at: at.isoformat() + "Z"),
        "CurrencyCode": st.sampled_from(["USD", "EUR", "JPY", "XXX"]),
        "CountryCode": st.sampled_from(["CH", "US", "XX"]),
    }
    for name, texts in scalars.items():
        schemathesis.graphql.scalar(name, texts.map(nodes.String))
    asked: list[int] = []
    operations = [found.ok() for found in schemathesis.graphql.from_path(schema).get_all_operations()]
    # After a logout nothing else would be executed.
    for operation in sorted(operations, key=lambda each: bool(each.label == "Mutation.logout")):
        if not operation.label.startswith("Subscription."):
            _ask(operation, gateway, token, asked)
    print(f"asked {len(asked)}, executed {asked.count(1)}")


def _ask(operation: Any, gateway: str, token: str, asked: list[int]) -> None:
    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        response = case.call(base_url=gateway, headers=headers)
        answer = response.json()
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert response.status_code < 500, (case.body, answer)
        assert not codes & {"INTERNAL", "SERVICE_UNAVAILABLE", "DEADLINE_EXCEEDED"}, (case.body, answer)
        asked.append(1 if "data" in answer else 0)

    ask()


if __name__ == "__main__":
    main(*sys.argv[1:4])
