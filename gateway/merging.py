"""Whether fields of one name can be merged, as the specification's "Field Selection Merging" says, in linear time.

graphql-core compares every pair of fields and of fragments. This schema has neither interfaces nor unions, so fields that meet always have
the same parent: it is enough to compare each with the first of its name. https://spec.graphql.org/draft/#sec-Field-Selection-Merging
"""

from collections.abc import Iterable, Sequence
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationRule,
    is_abstract_type,
    print_ast,
)
from graphql.utilities.sort_value_node import sort_value_node


class FieldsMerge(ValidationRule):
    """Takes the place of OverlappingFieldsCanBeMergedRule."""

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Checks what an operation selects; a fragment that none spreads is refused by another rule."""
        open_sets: list[Sequence[SelectionSetNode]] = [[node.selection_set]]
        checked: set[tuple[int, ...]] = set()
        while open_sets:
            for name, fields in self._fields(open_sets.pop()).items():
                self._compare(name, fields)
                below = [field.selection_set for field in fields if field.selection_set]
                key = tuple(map(id, below))
                if below and key not in checked:
                    checked.add(key)
                    open_sets.append(below)

    def _fields(self, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields of these selections by the name that each has in the response."""
        found: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        unread = [*sets][::-1]
        while unread:
            for node in unread.pop().selections:
                if isinstance(node, FieldNode):
                    name = node.alias or node.name
                    found.setdefault(name.value, []).append(node)
                elif isinstance(node, InlineFragmentNode):
                    unread.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                    spread.add(node.name.value)
                    fragment = self.context.get_fragment(node.name.value)
                    if fragment is not None:
                        unread.append(fragment.selection_set)
        return found

    def _compare(self, name: str, fields: Sequence[FieldNode]) -> None:
        first, *others = fields
        if not others:
            return
        arguments = _arguments(first)
        for other in others:
            why = ""
            if other.name.value != first.name.value:
                why = f"'{first.name.value}' and '{other.name.value}' are different fields"
            elif _arguments(other) != arguments:
                why = "they have differing arguments"
            if why:
                message = (
                    f"Fields '{name}' conflict because {why}. Use different aliases on the fields "
                    "to fetch both if this was intentional."
                )
                self.report_error(GraphQLError(message, [first, other]))
                return


def check_merges(schema: GraphQLSchema) -> None:
    """Raises TypeError for a schema whose fields may meet on different parents: FieldsMerge does not know those."""
    abstract = [name for name, kind in schema.type_map.items() if is_abstract_type(kind)]
    if abstract:
        raise TypeError(f"gateway.merging cannot check documents on interfaces and unions: {abstract}")


def _arguments(node: FieldNode) -> dict[str, str]:
    return {each.name.value: print_ast(sort_value_node(each.value)) for each in node.arguments or ()}
