"""From a text to executable operations: parse, check limits, validate, compute cost; cached by text."""

from collections.abc import Mapping
from dataclasses import dataclass
from sys import getsizeof
from typing import Final, cast

from graphql import (
    DocumentNode,
    GraphQLInputType,
    GraphQLSchema,
    GraphQLSyntaxError,
    MaxIntrospectionDepthRule,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    OverlappingFieldsCanBeMergedRule,
    specified_rules,
    type_from_ast,
    validate,
)
from kit.errors import SoukError
from kit.graphql.bounded_cache import BoundedCache
from kit.graphql.coercion import Coercions
from kit.graphql.cost import CostAnalysis, FieldCosts, OperationCost
from kit.graphql.errors import (
    PARSE_FAILED,
    VALIDATION_FAILED,
    FormattedError,
    format_document_error,
    format_souk_error,
)
from kit.graphql.limits import check_document, parse_limited, too_deep
from kit.graphql.merging import FieldsMerge, require_no_abstract_types
from kit.graphql.options import Options
from kit.graphql.plans import Plan

# More than the different documents of one API's clients, and a bound on their memory.
_CACHE_ENTRIES: Final = 1000
_CACHE_BYTES: Final = 48 * 1024 * 1024
# Measured with tracemalloc: bytes of any entry, of an executable document, and of each token of it.
_ENTRY_BYTES: Final = 2000
_OPERATIONS_BYTES: Final = 10_000
_TOKEN_BYTES: Final = 650
# The same, of each selection that is compiled.
_PLANNED_SELECTION_BYTES: Final = 2000
# Bounds the response to an invalid document.
_MAX_VALIDATION_ERRORS: Final = 5


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a valid document; `variable_types` are the types of its variables, `plan` is for the executions after the first."""

    document: DocumentNode
    name: str | None
    type: OperationType
    cost: OperationCost
    variable_types: Mapping[str, GraphQLInputType]
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """The operations of a valid document by name, or the errors of an invalid one. The key None is the only operation."""

    operations: Mapping[str | None, Operation]
    errors: tuple[FormattedError, ...] = ()
    bytes: int = _ENTRY_BYTES


class Documents:
    """Prepares documents for execution, each once while it is cached."""

    def __init__(self, schema: GraphQLSchema, costs: FieldCosts, options: Options) -> None:
        require_no_abstract_types(schema)
        self._schema = schema
        self._costs = costs
        self._limits = options.documents
        self._compiles = options.compiled_plans
        self._hide_suggestions = not options.suggestions
        introspection = (
            MaxIntrospectionDepthRule if options.introspection else NoSchemaIntrospectionCustomRule
        )
        rules = [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]
        self._rules = [*rules, FieldsMerge, introspection]
        self._coercions = Coercions()
        self._cache: BoundedCache[PreparedDocument] = BoundedCache(_CACHE_ENTRIES, _CACHE_BYTES)

    def is_cached(self, text: str) -> bool:
        """Whether preparing this document takes a look-up only."""
        return text in self._cache

    def prepare(self, text: str) -> PreparedDocument:
        """Never raises for anything that a client may send."""
        prepared = self._cache.get(text)
        if prepared is None:
            prepared = self._prepare(text)
            self._cache.put(text, prepared, getsizeof(text) + prepared.bytes)
        return prepared

    def _prepare(self, text: str) -> PreparedDocument:
        try:
            document = parse_limited(text, self._limits)
            checked = check_document(document, self._limits)
        except GraphQLSyntaxError as error:
            return PreparedDocument({}, (format_document_error(error, PARSE_FAILED),))
        except RecursionError:
            return PreparedDocument({}, (format_souk_error(too_deep()),))
        except SoukError as error:
            return PreparedDocument({}, (format_souk_error(error),))
        errors = validate(
            self._schema,
            document,
            self._rules,
            max_errors=_MAX_VALIDATION_ERRORS,
            hide_suggestions=self._hide_suggestions,
        )
        if errors:
            return PreparedDocument(
                {}, tuple(format_document_error(error, VALIDATION_FAILED) for error in errors)
            )
        # Which fields a directive leaves out depends on the variables.
        planned = 0 if checked.directives or not self._compiles else checked.selections
        size = getsizeof(text) + _OPERATIONS_BYTES + _count_tokens(document) * _TOKEN_BYTES
        return PreparedDocument(
            self._operations(document, planned), bytes=size + planned * _PLANNED_SELECTION_BYTES
        )

    def _operations(self, document: DocumentNode, planned: int) -> Mapping[str | None, Operation]:
        operations: dict[str | None, Operation] = {}
        analysis = CostAnalysis(self._schema, document, self._costs)
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                name = node.name.value if node.name else None
                cost, types = analysis.cost(node), self._variable_types(node)
                is_planned = planned and node.operation is not OperationType.SUBSCRIPTION
                plan = Plan(planned, self._coercions) if is_planned else None
                operations[name] = Operation(document, name, node.operation, cost, types, plan)
        if len(operations) == 1:
            # operationName is optional when the document has one operation.
            operations[None] = next(iter(operations.values()))
        return operations

    def _variable_types(self, operation: OperationDefinitionNode) -> Mapping[str, GraphQLInputType]:
        return {
            variable.variable.name.value: cast("GraphQLInputType", type_from_ast(self._schema, variable.type))
            for variable in operation.variable_definitions or ()
        }


def _count_tokens(document: DocumentNode) -> int:
    assert document.loc is not None
    count, token = 0, document.loc.start_token.next
    while token is not None:
        count, token = count + 1, token.next
    return count
