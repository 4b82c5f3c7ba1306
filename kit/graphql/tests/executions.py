"""Executes documents on the schema of odd values, by graphql-core alone and with compiled plans."""

from typing import Any

from kit.graphql.documents import Documents
from kit.graphql.execution import Executor
from kit.graphql.metrics import EXECUTIONS
from kit.graphql.parsing import GraphQLRequest
from kit.graphql.results import OperationResult
from kit.graphql.tests.odd_schema import COSTS, SCHEMA, Context, World
from kit.graphql.tests.options import with_options


class Execution:
    """An executor with documents of its own, and limits that no test reaches."""

    def __init__(self, *, compiled_plans: bool) -> None:
        limits = ("depth", "fields", "aliases", "directives", "selections", "tokens", "cost")
        options = with_options(
            compiled_plans=compiled_plans, characters=10**6, spreads=10**6, **dict.fromkeys(limits, 10**5)
        )
        schema = SCHEMA._schema
        self._documents = Documents(schema, COSTS, options)
        self._executor = Executor(schema, self._documents, max_cost=10**9, max_text=10**6, suggestions=True)

    @property
    def cached_bytes(self) -> int:
        """The accounted size of the cache."""
        return self._documents._cache.bytes

    async def run(
        self, text: str, world: World, variables: dict[str, Any] | None = None, name: str | None = None
    ) -> OperationResult:
        plan = self._executor.plan(text, GraphQLRequest(text, variables, name), by_admin=False)
        return await self._executor.run(plan, Context(world))


def compiled() -> float:
    """The executions with compiled plans so far."""
    return float(EXECUTIONS.labels("compiled")._value.get())
