"""Plans and executes operations. Not here: HTTP, rate limits.

Strawberry makes the schema; its own execution, with extensions around every step, costs as much as the rest of a request.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from inspect import isawaitable
from typing import Any, Final, cast

from prometheus_client import Counter

from graphql import ExecutionResult, GraphQLSchema, OperationType, execute, subscribe
from kit.errors import INTERNAL_MESSAGE, Internal, InvalidArgument, SoukError
from kit.graphql.documents import Documents, Operation
from kit.graphql.errors import BAD_REQUEST, format_request_error
from kit.graphql.limits import QueryTooComplex
from kit.graphql.metrics import EXECUTIONS, OPERATIONS
from kit.graphql.parsing import GraphQLRequest, convert_numbers
from kit.graphql.results import OperationResult
from kit.graphql.values import check_variables
from kit.telemetry import get_logger

log = get_logger(__name__)

# The charge for a request that is not executed: parsing is work too.
MIN_COST: Final = 1
_COMPILED: Final = EXECUTIONS.labels("compiled")
_BY_CORE: Final = EXECUTIONS.labels("core")


@dataclass(frozen=True, slots=True)
class PlannedOperation:
    """An operation and its cost in points, or the result that rejects the request."""

    cost: int
    operation: Operation | None = None
    variables: dict[str, Any] | None = None
    rejection: OperationResult | None = None

    @classmethod
    def rejected(cls, error: SoukError) -> "PlannedOperation":
        """A request that is not executed."""
        return cls(MIN_COST, rejection=OperationResult.from_error(error))

    @property
    def is_subscription(self) -> bool:
        """Whether it may run without end."""
        return self.operation is not None and self.operation.type is OperationType.SUBSCRIPTION

    @property
    def is_mutation(self) -> bool:
        """Whether it may change anything."""
        return self.operation is not None and self.operation.type is OperationType.MUTATION

    @property
    def credential_attempts(self) -> int:
        """The number of credential fields in it."""
        return self.operation.cost.credential_attempts if self.operation else 0


class Executor:
    """Plans and executes operations of one schema. `max_text` is the length of the longest text in variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        documents: Documents,
        *,
        max_cost: int,
        max_text: int,
        suggestions: bool,
    ) -> None:
        self._schema = schema
        self._documents = documents
        self._max_cost = max_cost
        self._max_text = max_text
        self._hide_suggestions = not suggestions

    def is_cached(self, document: str) -> bool:
        """Whether planning this document takes a look-up only."""
        return self._documents.is_cached(document)

    def plan(self, document: str, request: GraphQLRequest, *, by_admin: bool) -> PlannedOperation:
        """Selects an operation and computes its cost. Never raises for anything that a client may send."""
        prepared = self._documents.prepare(document)
        if prepared.errors:
            return PlannedOperation(MIN_COST, rejection=OperationResult.rejected(*prepared.errors))
        operation = prepared.operations.get(request.operationName or None)
        if operation is None:
            message = "operationName must name one of the document's operations"
            return PlannedOperation(MIN_COST, rejection=_rejected(message))
        try:
            check_variables(request.variables, self._max_text, by_admin=by_admin)
        except InvalidArgument as error:
            return PlannedOperation.rejected(error)
        variables = (
            convert_numbers(request.variables, operation.variable_types) if request.variables else None
        )
        cost = operation.cost.evaluate(variables)
        if cost > self._max_cost:
            message = f"the document costs {cost:,} points, the maximum is {self._max_cost:,}"
            details = {"cost": cost, "limit": self._max_cost}
            return PlannedOperation.rejected(QueryTooComplex(message, details=details))
        return PlannedOperation(cost, operation, variables)

    async def run(self, plan: PlannedOperation, context: Any) -> OperationResult:
        """The one result of a query or mutation."""
        return _with_metrics(await self._run(plan, context))

    async def stream(self, plan: PlannedOperation, context: Any) -> AsyncGenerator[OperationResult]:
        """All results of an operation of any kind. A subscription that fails ends with a result that is not executed."""
        if plan.operation is None or not plan.is_subscription:
            yield await self.run(plan, context)
            return
        try:
            async with aclosing(self._subscribe(plan, plan.operation, context)) as results:
                async for result in results:
                    yield _with_metrics(result)
        except SoukError as error:
            yield _with_metrics(OperationResult.from_error(error, "subscription"))
        except Exception:
            log.exception("graphql.subscription_failed")
            yield _with_metrics(OperationResult.from_error(Internal(INTERNAL_MESSAGE), "subscription"))

    async def _run(self, plan: PlannedOperation, context: Any) -> OperationResult:
        if plan.operation is None:
            assert plan.rejection is not None
            return plan.rejection
        if plan.is_subscription:
            return _rejected("subscriptions require graphql-transport-ws or text/event-stream")
        return await self._execute(plan.operation, plan.variables, context)

    async def _execute(
        self, operation: Operation, variables: dict[str, Any] | None, context: Any
    ) -> OperationResult:
        plan = operation.plan if operation.plan and operation.plan.ready() else None
        (_COMPILED if plan else _BY_CORE).inc()
        if plan is not None:
            result = await plan.execute(
                self._schema,
                operation.document,
                operation.name,
                context,
                variables or {},
                hide_suggestions=self._hide_suggestions,
            )
        else:
            result = await self._execute_by_core(operation, variables, context)
        # Errors without a path are about the variables: no resolver ran.
        executed = result.data is not None or any(error.path for error in result.errors or ())
        return OperationResult.of(result, operation.type.value, executed=executed)

    async def _execute_by_core(
        self, operation: Operation, variables: dict[str, Any] | None, context: Any
    ) -> ExecutionResult:
        result = execute(
            self._schema,
            operation.document,
            context_value=context,
            variable_values=variables,
            operation_name=operation.name,
            hide_suggestions=self._hide_suggestions,
        )
        return await result if isawaitable(result) else result

    async def _subscribe(
        self, plan: PlannedOperation, operation: Operation, context: Any
    ) -> AsyncGenerator[OperationResult]:
        source = subscribe(
            self._schema,
            operation.document,
            context_value=context,
            variable_values=plan.variables,
            operation_name=operation.name,
            hide_suggestions=self._hide_suggestions,
        )
        if isawaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            yield OperationResult.of(source, "subscription", executed=False)
            return
        # Closes the source as soon as the client leaves, not at garbage collection.
        async with aclosing(cast("AsyncGenerator[ExecutionResult]", source)) as results:
            async for result in results:
                yield OperationResult.of(result, "subscription", executed=True)


def _with_metrics(result: OperationResult) -> OperationResult:
    outcome = result.errors[0]["extensions"]["code"] if result.errors else "ok"
    _counter(result.kind, outcome).inc()
    return result


@cache
def _counter(kind: str, outcome: str) -> Counter:
    """Bound once, because looking up a counter by its labels takes longer than counting."""
    return OPERATIONS.labels(kind, outcome)


def _rejected(message: str) -> OperationResult:
    return OperationResult.rejected(format_request_error(message, BAD_REQUEST))
