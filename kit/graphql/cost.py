"""The cost of an operation: computed once per document, as a polynomial of the variables that size its lists.

A scalar field is free, an object costs 1, and a field with a weight costs that much more; a list multiplies the cost of its items. Fields
that directives skip count too. Not here: what a client has spent (kit.graphql.rate_limits).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

# A polynomial with more terms is replaced by its upper bound: no real client sizes this many lists by different variables.
_MAX_TERMS: Final = 32

# Coefficients by the variables that multiply them: {(): 5, ("first",): 2} is 5 + 2 * first.
_Terms = dict[tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class FieldCosts:
    """What a schema's fields cost. Keys of `weights` are Type.field; of `list_sizes` Type.field or the type of the items.

    `list_sizes` are estimates for lists without an argument `first`. `credential_fields` are mutations that check or request
    credentials, and have a stricter rate limit.
    """

    weights: Mapping[str, int] = field(default_factory=dict)
    list_sizes: Mapping[str, int] = field(default_factory=dict)
    credential_fields: frozenset[str] = frozenset()
    default_list_size: int = 10
    mutation: int = 10
    max_page: int = 100
    default_page: int = 20

    def page_size(self, value: Any, default: int) -> int:
        """The number of items a page will have; an invalid size, which its resolver rejects, costs as much as the largest page."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value if 1 <= value <= self.max_page else self.max_page
        return min(default, self.max_page)


@dataclass(frozen=True, slots=True)
class OperationCost:
    """The cost of an operation as a polynomial of its page-size variables; `defaults` are those variables' default values.

    `credential_attempts` is the number of credential fields in it, aliases included.
    """

    fixed: int
    terms: tuple[tuple[int, tuple[str, ...]], ...]
    defaults: Mapping[str, int]
    credential_attempts: int
    costs: FieldCosts

    def evaluate(self, variables: Mapping[str, Any] | None) -> int:
        """The cost in points for these variables."""
        if not self.terms:
            return self.fixed
        return self.fixed + sum(
            coefficient * self._sizes(names, variables or {}) for coefficient, names in self.terms
        )

    def _sizes(self, names: tuple[str, ...], variables: Mapping[str, Any]) -> int:
        costs, product = self.costs, 1
        for name in names:
            # An explicit null selects the API's default page, not the variable's default value.
            default = costs.default_page if name in variables else self.defaults.get(name, costs.max_page)
            product *= costs.page_size(variables.get(name), default)
        return product


class CostAnalysis:
    """Computes the cost of each operation of one valid document."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, costs: FieldCosts) -> None:
        self._schema = schema
        self._costs = costs
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        # Per fragment and page size, so that a fragment spread a million times is analyzed once.
        self._fragment_costs: dict[tuple[str, tuple[tuple[tuple[str, ...], int], ...]], _Terms] = {}

    def cost(self, operation: OperationDefinitionNode) -> OperationCost:
        """The cost of one operation."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None
        terms = dict(self._selections(root, operation.selection_set, {(): 1}))
        defaults = {
            variable.variable.name.value: int(variable.default_value.value)
            for variable in operation.variable_definitions or ()
            if isinstance(variable.default_value, IntValueNode)
        }
        attempts = 0
        if operation.operation is OperationType.MUTATION:
            attempts = self._credential_attempts(operation.selection_set)
        fixed = terms.pop((), 0)
        polynomial = tuple((coefficient, names) for names, coefficient in terms.items())
        return OperationCost(fixed, polynomial, defaults, attempts, self._costs)

    def _selections(
        self, parent: GraphQLObjectType, selections: SelectionSetNode | None, page: _Terms
    ) -> _Terms:
        """The cost of a selection set; `page` is the page size if `parent` is a connection, else 1."""
        total: _Terms = {}
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                self._add(total, self._field(parent, node, page))
            elif isinstance(node, InlineFragmentNode):
                self._add(total, self._selections(parent, node.selection_set, page))
            elif isinstance(node, FragmentSpreadNode):
                self._add(total, self._fragment(parent, node.name.value, page))
        return total

    def _fragment(self, parent: GraphQLObjectType, name: str, page: _Terms) -> _Terms:
        key = (name, tuple(page.items()))
        if key not in self._fragment_costs:
            self._fragment_costs[key] = {}
            self._fragment_costs[key] = self._selections(parent, self._fragments[name].selection_set, page)
        return self._fragment_costs[key]

    def _field(self, parent: GraphQLObjectType, node: FieldNode, page: _Terms) -> _Terms:
        name = node.name.value
        if name.startswith("__"):
            return self._introspection(parent, node)
        definition = parent.fields[name]
        coordinate = f"{parent.name}.{name}"
        total: _Terms = {(): self._costs.weights.get(coordinate, 0)}
        if parent is self._schema.mutation_type:
            total = {(): self._costs.mutation}
        kind = get_named_type(definition.type)
        if is_object_type(kind):
            item: _Terms = {(): 1}
            self._add(
                item, self._selections(kind, node.selection_set, self._page(node, definition) or {(): 1})
            )
            self._add(total, self._product(item, self._length(coordinate, definition, page)))
        return total

    def _introspection(self, parent: GraphQLObjectType, node: FieldNode) -> _Terms:
        """__typename is free as any scalar, except on a root, where it may be all that a document selects."""
        schema = self._schema
        is_root = parent in (schema.query_type, schema.mutation_type, schema.subscription_type)
        return {(): 1} if node.selection_set or is_root else {}

    def _length(self, coordinate: str, definition: GraphQLField, page: _Terms) -> _Terms:
        kind = definition.type.of_type if is_non_null_type(definition.type) else definition.type
        if not is_list_type(kind):
            return {(): 1}
        if coordinate.endswith(("Connection.edges", "Connection.nodes")):
            return page
        sizes, item = self._costs.list_sizes, get_named_type(kind).name
        return {(): sizes.get(coordinate) or sizes.get(item) or self._costs.default_list_size}

    def _page(self, node: FieldNode, definition: GraphQLField) -> _Terms | None:
        """The page size that a field's `first` requests; None when the field has no such argument."""
        if "first" not in definition.args:
            return None
        costs = self._costs
        for argument in node.arguments or ():
            if argument.name.value == "first":
                if isinstance(argument.value, VariableNode):
                    return {(argument.value.name.value,): 1}
                if isinstance(argument.value, IntValueNode):
                    return {(): costs.page_size(int(argument.value.value), costs.max_page)}
        return {(): costs.page_size(definition.args["first"].default_value, costs.max_page)}

    def _product(self, left: _Terms, right: _Terms) -> _Terms:
        product: _Terms = {}
        for names, factor in left.items():
            for others, other_factor in right.items():
                self._add(product, {(*names, *others): factor * other_factor})
        return product

    def _add(self, total: _Terms, more: _Terms) -> None:
        for names, coefficient in more.items():
            total[names] = total.get(names, 0) + coefficient
        if len(total) > _MAX_TERMS:
            bound = sum(factor * self._costs.max_page ** len(names) for names, factor in total.items())
            total.clear()
            total[()] = bound

    def _credential_attempts(self, selections: SelectionSetNode) -> int:
        unread, count, expanded = [selections], 0, set()
        while unread:
            for node in unread.pop().selections:
                if isinstance(node, FieldNode):
                    count += node.name.value in self._costs.credential_fields
                elif isinstance(node, InlineFragmentNode):
                    unread.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in expanded:
                    expanded.add(node.name.value)
                    unread.append(self._fragments[node.name.value].selection_set)
        return count
