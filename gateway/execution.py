"""From a document to its answer: parse, validate, limits (remembered for each document), execute. HTTP is not known here.

Strawberry makes the schema; its own way to execute, with extensions around every step, costs as much as the rest of a request.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache
from inspect import isawaitable
from typing import Any, Final, cast

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
    specified_rules,
    subscribe,
    validate,
)

from gateway.context import Context
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
from gateway.limits import Limits
from kit.errors import SoukError

# As many different documents as clients of one shop plausibly send.
_REMEMBERED: Final = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a document is answered; `executed` is false when it did not come to that."""

    data: Any
    errors: tuple[Shown, ...]
    executed: bool
    kind: str

    def body(self) -> dict[str, Any]:
        """As it is written."""
        shown: dict[str, Any] = {"errors": self.errors} if self.errors else {}
        return {**shown, "data": self.data} if self.executed else shown


@dataclass(frozen=True, slots=True)
class _Prepared:
    document: DocumentNode | None
    faults: tuple[Shown, ...]


class Executor:
    """Answers documents; `introspection` and `suggestions` tell strangers about the schema."""

    def __init__(
        self, schema: strawberry.Schema, limits: Limits, *, introspection: bool, suggestions: bool
    ) -> None:
        self._schema = schema._schema
        self._limits = limits
        self._rules = [*specified_rules, *([] if introspection else [NoSchemaIntrospectionCustomRule])]
        self._suggestions = suggestions
        self._prepared = lru_cache(_REMEMBERED)(self._prepare)

    async def run(
        self, document: str, variables: Mapping[str, Any] | None, operation: str | None, context: Context
    ) -> Answer:
        """One answer to a query or mutation. Never raises for what a client may send."""
        chosen = self._chosen(document, operation)
        if isinstance(chosen, Answer):
            return chosen
        if chosen[1].operation is OperationType.SUBSCRIPTION:
            return _refused("subscriptions come over graphql-transport-ws")
        return await self._execute(*chosen, variables, operation, context)

    async def stream(
        self,
        document: str,
        variables: Mapping[str, Any] | None,
        operation: str | None,
        context: Context,
        begin: Callable[[str], None],
    ) -> AsyncIterator[Answer]:
        """Every answer to an operation of any kind, which `begin` is told. Raises what a subscription's source raises."""
        chosen = self._chosen(document, operation)
        if isinstance(chosen, Answer):
            yield chosen
            return
        begin(chosen[1].operation.value)
        if chosen[1].operation is not OperationType.SUBSCRIPTION:
            yield await self._execute(*chosen, variables, operation, context)
            return
        source = subscribe(
            self._schema,
            chosen[0],
            context_value=context,
            variable_values=dict(variables) if variables else None,
            operation_name=operation,
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

    def _chosen(
        self, document: str, operation: str | None
    ) -> tuple[DocumentNode, OperationDefinitionNode] | Answer:
        prepared = self._prepared(document)
        if prepared.document is None:
            return Answer(None, prepared.faults, executed=False, kind="none")
        chosen = get_operation_ast(prepared.document, operation)
        if chosen is None:
            return _refused("operationName must name one of the document's operations")
        return prepared.document, chosen

    async def _execute(
        self,
        document: DocumentNode,
        chosen: OperationDefinitionNode,
        variables: Mapping[str, Any] | None,
        operation: str | None,
        context: Context,
    ) -> Answer:
        result = execute(
            self._schema,
            document,
            context_value=context,
            variable_values=dict(variables) if variables else None,
            operation_name=operation,
        )
        if isawaitable(result):
            result = await result
        assert isinstance(result, ExecutionResult)
        # Variables that do not fit end a request before it begins.
        executed = result.data is not None or any(error.path for error in result.errors or ())
        return _answer(result, chosen.operation.value, executed=executed)

    def _prepare(self, text: str) -> _Prepared:
        try:
            document = self._limits.parse(text)
            self._limits.check(document)
        except GraphQLSyntaxError as error:
            return _Prepared(None, (self._shown(error, PARSE_FAILED),))
        except SoukError as error:
            return _Prepared(None, (of_souk_error(error),))
        faults = validate(self._schema, document, self._rules)
        if faults:
            return _Prepared(None, tuple(self._shown(fault, VALIDATION_FAILED) for fault in faults))
        return _Prepared(document, ())

    def _shown(self, error: GraphQLError, code: str) -> Shown:
        return of_document(error, code, suggestions=self._suggestions)


def _answer(result: ExecutionResult, kind: str, *, executed: bool) -> Answer:
    return Answer(result.data, tuple(of_execution(error) for error in result.errors or ()), executed, kind)


def _refused(message: str) -> Answer:
    return Answer(None, (of_request(message, BAD_REQUEST),), executed=False, kind="none")
