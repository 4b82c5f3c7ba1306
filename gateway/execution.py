"""From a document to its answer: parse, validate, limits, price (remembered for each document), execute. HTTP is not known here.

Strawberry makes the schema; its own way to execute, with extensions around every step, costs as much as the rest of a request.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from inspect import isawaitable
from sys import getsizeof
from typing import Any, Final, cast

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLInputType,
    GraphQLSyntaxError,
    MaxIntrospectionDepthRule,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    OverlappingFieldsCanBeMergedRule,
    execute,
    specified_rules,
    subscribe,
    type_from_ast,
    validate,
)

from gateway.context import Context
from gateway.cost import Price, Pricing
from gateway.errors import (
    BAD_REQUEST,
    PARSE_FAILED,
    VALIDATION_FAILED,
    Shown,
    of_document,
    of_execution,
    of_request,
    of_souk_error,
)
from gateway.inputs import check_variables
from gateway.limits import Limits, QueryTooComplex, too_deep
from gateway.merging import FieldsMerge, check_merges
from gateway.metrics import OPERATIONS
from gateway.reading import fitted
from gateway.remembered import Remembered
from kit.errors import INTERNAL_MESSAGE, Internal, InvalidArgument, SoukError
from kit.telemetry import get_logger

log = get_logger(__name__)

# As many different documents as clients of one shop plausibly send, and as much as all of them may take.
_REMEMBERED: Final = 1000
_REMEMBERED_BYTES: Final = 48 * 1024 * 1024
# Measured with tracemalloc: what is kept of any document, of one that may be executed, and of each token of it.
_FAULTS_BYTES: Final = 2000
_OPERATIONS_BYTES: Final = 10_000
_TOKEN_BYTES: Final = 650
# More faults of one document than this help nobody but whoever wants long answers.
_MOST_FAULTS: Final = 5
# What could not be executed is charged this much: parsing is work too.
LEAST_COST: Final = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What a document is answered; `executed` is false when it did not come to that."""

    data: Any
    errors: tuple[Shown, ...]
    executed: bool
    kind: str

    @classmethod
    def no(cls, error: SoukError, kind: str = "none") -> "Answer":
        """To what is not executed, or not any further."""
        return cls(None, (of_souk_error(error),), executed=False, kind=kind)

    def body(self, extensions: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """As it is written."""
        shown: dict[str, Any] = {"errors": self.errors} if self.errors else {}
        if self.executed:
            shown["data"] = self.data
        if extensions:
            shown["extensions"] = extensions
        return shown


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document that may be executed."""

    document: DocumentNode
    name: str | None
    type: OperationType
    price: Price
    inputs: Mapping[str, GraphQLInputType]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked and what that costs; either an operation, or the answer why there is none."""

    cost: int
    operation: Operation | None = None
    variables: dict[str, Any] | None = None
    refused: Answer | None = None

    @classmethod
    def none(cls, error: SoukError) -> "Plan":
        """Of what is not executed."""
        return cls(LEAST_COST, refused=Answer.no(error))

    @property
    def is_subscription(self) -> bool:
        """Whether its answers have no end."""
        return self.operation is not None and self.operation.type is OperationType.SUBSCRIPTION

    @property
    def sign_ins(self) -> int:
        """How often it tries to sign in or to register."""
        return self.operation.price.sign_ins if self.operation else 0


@dataclass(frozen=True, slots=True)
class _Prepared:
    operations: Mapping[str | None, Operation]
    faults: tuple[Shown, ...] = ()
    bytes: int = _FAULTS_BYTES


class Executor:
    """Answers documents; `introspection` and `suggestions` tell strangers about the schema."""

    def __init__(
        self, schema: strawberry.Schema, limits: Limits, *, introspection: bool, suggestions: bool
    ) -> None:
        self._schema = schema._schema
        self._limits = limits
        introspecting = MaxIntrospectionDepthRule if introspection else NoSchemaIntrospectionCustomRule
        check_merges(self._schema)
        kept = [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]
        self._rules = [*kept, FieldsMerge, introspecting]
        self._hides = not suggestions
        self._prepared: Remembered[_Prepared] = Remembered(_REMEMBERED, _REMEMBERED_BYTES)
        self.most_characters = limits.characters

    def knows(self, document: str) -> bool:
        """Whether planning it is but a look-up."""
        return document in self._prepared

    def plan(self, document: str, variables: Mapping[str, Any] | None, operation: str | None) -> Plan:
        """What a request asks. Never raises for what a client may send."""
        prepared = self._prepared.get(document)
        if prepared is None:
            prepared = self._prepare(document)
            self._prepared.put(document, prepared, getsizeof(document) + prepared.bytes)
        if prepared.faults:
            return Plan(LEAST_COST, refused=Answer(None, prepared.faults, executed=False, kind="none"))
        chosen = prepared.operations.get(operation)
        if chosen is None:
            message = "operationName must name one of the document's operations"
            return Plan(LEAST_COST, refused=_refused(message))
        try:
            check_variables(variables)
        except InvalidArgument as error:
            return Plan.none(error)
        given = fitted(variables, chosen.inputs) if variables else None
        cost = chosen.price.of(given)
        if cost > self._limits.cost:
            message = f"the document costs {cost:,} points, at most {self._limits.cost:,} are allowed"
            return Plan.none(QueryTooComplex(message, details={"cost": cost, "limit": self._limits.cost}))
        return Plan(cost, chosen, given)

    async def run(self, plan: Plan, context: Context) -> Answer:
        """The one answer to a query or mutation."""
        return _counted(await self._run(plan, context))

    async def stream(self, plan: Plan, context: Context) -> AsyncGenerator[Answer]:
        """Every answer to an operation of any kind; what ends a subscription before its time is the last, and is not executed."""
        if plan.operation is None or not plan.is_subscription:
            yield await self.run(plan, context)
            return
        try:
            async with aclosing(self._subscribe(plan, plan.operation, context)) as answers:
                async for answer in answers:
                    yield _counted(answer)
        except SoukError as error:
            yield _counted(Answer.no(error, "subscription"))
        except Exception:
            log.exception("graphql.subscription_failed")
            yield _counted(Answer.no(Internal(INTERNAL_MESSAGE), "subscription"))

    async def _run(self, plan: Plan, context: Context) -> Answer:
        if plan.operation is None:
            assert plan.refused is not None
            return plan.refused
        if plan.is_subscription:
            return _refused("subscriptions come over graphql-transport-ws or text/event-stream")
        return await self._execute(plan.operation, plan.variables, context)

    async def _subscribe(self, plan: Plan, operation: Operation, context: Context) -> AsyncGenerator[Answer]:
        source = subscribe(
            self._schema,
            operation.document,
            context_value=context,
            variable_values=plan.variables,
            operation_name=operation.name,
            hide_suggestions=self._hides,
        )
        if isawaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            yield _answer(source, "subscription", executed=False)
            return
        # Whoever stops listening ends the source at once, not when the collector comes by.
        async with aclosing(cast("AsyncGenerator[ExecutionResult]", source)) as results:
            async for result in results:
                yield _answer(result, "subscription", executed=True)

    async def _execute(
        self, operation: Operation, variables: dict[str, Any] | None, context: Context
    ) -> Answer:
        result = execute(
            self._schema,
            operation.document,
            context_value=context,
            variable_values=variables,
            operation_name=operation.name,
            hide_suggestions=self._hides,
        )
        if isawaitable(result):
            result = await result
        assert isinstance(result, ExecutionResult)
        # Variables that do not fit end a request before it begins.
        executed = result.data is not None or any(error.path for error in result.errors or ())
        return _answer(result, operation.type.value, executed=executed)

    def _prepare(self, text: str) -> _Prepared:
        try:
            document = self._limits.parse(text)
            self._limits.check(document)
        except GraphQLSyntaxError as error:
            return _Prepared({}, (of_document(error, PARSE_FAILED),))
        except RecursionError:
            return _Prepared({}, (of_souk_error(too_deep()),))
        except SoukError as error:
            return _Prepared({}, (of_souk_error(error),))
        faults = validate(
            self._schema, document, self._rules, max_errors=_MOST_FAULTS, hide_suggestions=self._hides
        )
        if faults:
            return _Prepared({}, tuple(of_document(fault, VALIDATION_FAILED) for fault in faults))
        size = getsizeof(text) + _OPERATIONS_BYTES + _tokens(document) * _TOKEN_BYTES
        return _Prepared(self._operations(document), bytes=size)

    def _operations(self, document: DocumentNode) -> Mapping[str | None, Operation]:
        found: dict[str | None, Operation] = {}
        pricing = Pricing(self._schema, document)
        nodes = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
        for node in nodes:
            name = node.name.value if node.name else None
            found[name] = Operation(document, name, node.operation, pricing.price(node), self._inputs(node))
        if len(nodes) == 1:
            # The only one needs not be named.
            found[None] = next(iter(found.values()))
        return found

    def _inputs(self, operation: OperationDefinitionNode) -> Mapping[str, GraphQLInputType]:
        """The types of an operation's variables."""
        return {
            each.variable.name.value: cast("GraphQLInputType", type_from_ast(self._schema, each.type))
            for each in operation.variable_definitions or ()
        }


def _tokens(document: DocumentNode) -> int:
    assert document.loc is not None
    count, token = 0, document.loc.start_token.next
    while token is not None:
        count, token = count + 1, token.next
    return count


def _answer(result: ExecutionResult, kind: str, *, executed: bool) -> Answer:
    return Answer(result.data, tuple(of_execution(error) for error in result.errors or ()), executed, kind)


def _counted(answer: Answer) -> Answer:
    outcome = answer.errors[0]["extensions"]["code"] if answer.errors else "ok"
    OPERATIONS.labels(answer.kind, outcome).inc()
    return answer


def _refused(message: str) -> Answer:
    return Answer(None, (of_request(message, BAD_REQUEST),), executed=False, kind="none")
