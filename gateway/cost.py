"""What a document costs: computed once for each, in terms of the variables that say how long its lists are.

A plain field is free, an object costs 1, what a service is asked for once more costs more; lists multiply what is in them. What a document
skips by directives is counted all the same. Not here: what was spent, see gateway.rates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
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

_LARGEST_PAGE: Final = 100
_USUAL_PAGE: Final = 20
_MUTATION: Final = 10
# Of lists that have no argument for it, what is usual; by type and field.
_USUAL: Final = {
    "Category": 30,
    "Order.lines": 5,
    "Order.notifications": 4,
    "Order.history": 4,
    "Payment.refunds": 2,
    "Facet.values": 10,
    "ProductConnection.facets": 4,
}
_USUAL_ELSEWHERE: Final = 10
# What costs more than its size says: counting everything, or a sorted list for each parent.
_DEARER: Final = {
    "Query.products": 5,
    "Query.productSuggestions": 5,
    "Query.accounts": 5,
    "Account.orders": 5,
    "Account.notifications": 5,
    "ProductConnection.facets": 10,
    "ProductConnection.totalCount": 5,
    "OrderConnection.totalCount": 5,
    "AccountConnection.totalCount": 5,
    "NotificationConnection.totalCount": 5,
    "AuditEventConnection.totalCount": 5,
}
# Each of these is a try to sign in, or a mail to whoever is named.
SIGN_INS: Final = frozenset({"login", "register", "requestPasswordReset"})
# A price of more terms than this is rounded up: nobody sizes so many lists by so many variables.
_MOST_TERMS: Final = 32

# Coefficients by the variables that multiply them: {(): 5, ("first",): 2} is 5 + 2 * first.
_Terms = dict[tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class Price:
    """What an operation costs, and how often it tries to sign in."""

    fixed: int
    terms: tuple[tuple[int, tuple[str, ...]], ...]
    usual: Mapping[str, int]
    sign_ins: int

    def of(self, variables: Mapping[str, Any] | None) -> int:
        """With these variables."""
        if not self.terms:
            return self.fixed
        return self.fixed + sum(times * self._sizes(names, variables or {}) for times, names in self.terms)

    def _sizes(self, names: tuple[str, ...], variables: Mapping[str, Any]) -> int:
        product = 1
        for name in names:
            # null is not what the document says without the variable, but the page that nobody sized.
            usual = _USUAL_PAGE if name in variables else self.usual.get(name, _LARGEST_PAGE)
            product *= _size(variables.get(name), usual)
        return product


def price(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Price:
    """Of a valid document's operation."""
    return Pricing(schema, document).price(operation)


class Pricing:
    """Prices the operations of one valid document."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        # A fragment is priced once however often it is spread: a few of them could be spread a million times.
        self._priced: dict[tuple[str, tuple[tuple[tuple[str, ...], int], ...]], _Terms] = {}

    def price(self, operation: OperationDefinitionNode) -> Price:
        """Of one operation."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None
        terms = dict(self._selections(root, operation.selection_set, {(): 1}))
        usual = {}
        for variable in operation.variable_definitions or ():
            given = variable.default_value
            if isinstance(given, IntValueNode):
                usual[variable.variable.name.value] = int(given.value)
        tries = operation.operation is OperationType.MUTATION
        signs = _sign_ins(self._fragments, operation.selection_set) if tries else 0
        fixed = terms.pop((), 0)
        return Price(fixed, tuple((times, names) for names, times in terms.items()), usual, signs)

    def _selections(self, parent: GraphQLObjectType, chosen: SelectionSetNode | None, page: _Terms) -> _Terms:
        """The price of what is selected; `page` is the size of the connection that this is, if it is one."""
        total: _Terms = {}
        for node in chosen.selections if chosen else ():
            if isinstance(node, FieldNode):
                _add(total, self._field(parent, node, page))
            elif isinstance(node, InlineFragmentNode):
                _add(total, self._selections(parent, node.selection_set, page))
            elif isinstance(node, FragmentSpreadNode):
                _add(total, self._fragment(parent, node.name.value, page))
        return total

    def _fragment(self, parent: GraphQLObjectType, name: str, page: _Terms) -> _Terms:
        key = (name, tuple(page.items()))
        if key not in self._priced:
            self._priced[key] = {}
            self._priced[key] = self._selections(parent, self._fragments[name].selection_set, page)
        return self._priced[key]

    def _field(self, parent: GraphQLObjectType, node: FieldNode, page: _Terms) -> _Terms:
        name = node.name.value
        # Introspection has its own limit of depth, and is off where strangers ask. A type's name is free as any plain field, but for that
        # of a root: it would be all that a document asks.
        if name.startswith("__"):
            is_root = parent in (
                self._schema.query_type,
                self._schema.mutation_type,
                self._schema.subscription_type,
            )
            return {(): 1} if node.selection_set or is_root else {}
        field = parent.fields[name]
        place = f"{parent.name}.{name}"
        total: _Terms = {(): _DEARER.get(place, 0)}
        if parent is self._schema.mutation_type:
            total = {(): _MUTATION}
        kind = get_named_type(field.type)
        if not is_object_type(kind):
            return total
        inside = _page(node, field)
        one: _Terms = {(): 1}
        _add(one, self._selections(kind, node.selection_set, inside or {(): 1}))
        _add(total, _times(one, self._length(place, field, page)))
        return total

    def _length(self, place: str, field: GraphQLField, page: _Terms) -> _Terms:
        kind = field.type.of_type if is_non_null_type(field.type) else field.type
        if not is_list_type(kind):
            return {(): 1}
        if place.endswith(("Connection.edges", "Connection.nodes")):
            return page
        of = get_named_type(kind).name
        return {(): _USUAL.get(place) or _USUAL.get(of) or _USUAL_ELSEWHERE}


def _page(node: FieldNode, field: GraphQLField) -> _Terms | None:
    """How long the page is that a field's `first` asks for; None when it has no such argument."""
    if "first" not in field.args:
        return None
    usual = field.args["first"].default_value
    for argument in node.arguments or ():
        if argument.name.value == "first":
            if isinstance(argument.value, VariableNode):
                return {(argument.value.name.value,): 1}
            if isinstance(argument.value, IntValueNode):
                return {(): _size(int(argument.value.value), _LARGEST_PAGE)}
    return {(): _size(usual, _LARGEST_PAGE)}


def _size(value: Any, usual: int) -> int:
    """A page's size as it will be; what no page may have is refused by its service, and costs a whole page here."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 1 <= value <= _LARGEST_PAGE else _LARGEST_PAGE
    return min(usual, _LARGEST_PAGE)


def _add(total: _Terms, more: _Terms) -> None:
    for names, times in more.items():
        total[names] = total.get(names, 0) + times
    if len(total) > _MOST_TERMS:
        most = sum(times * _LARGEST_PAGE ** len(names) for names, times in total.items())
        total.clear()
        total[()] = most


def _times(left: _Terms, right: _Terms) -> _Terms:
    product: _Terms = {}
    for names, times in left.items():
        for others, more in right.items():
            _add(product, {(*names, *others): times * more})
    return product


def _sign_ins(fragments: Mapping[str, FragmentDefinitionNode], chosen: SelectionSetNode) -> int:
    open_sets, count, seen = [chosen], 0, set()
    while open_sets:
        for node in open_sets.pop().selections:
            if isinstance(node, FieldNode):
                count += node.name.value in SIGN_INS
            elif isinstance(node, InlineFragmentNode):
                open_sets.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                open_sets.append(fragments[node.name.value].selection_set)
    return count
