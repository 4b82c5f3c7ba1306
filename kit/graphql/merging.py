"""Whether fields with one response name can be merged ("Field Selection Merging"), in linear time.

graphql-core compares every pair of fields and of fragments. Without interfaces and unions, fields with one response name always have the
same parent type, so it is enough to compare each with the first. https://spec.graphql.org/draft/#sec-Field-Selection-Merging
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
    """Replaces OverlappingFieldsCanBeMergedRule."""

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Checks an operation's selections; another rule rejects unused fragments."""
        pending: list[Sequence[SelectionSetNode]] = [[node.selection_set]]
        checked: set[tuple[int, ...]] = set()
        while pending:
            for name, fields in self._fields_by_name(pending.pop()).items():
                self._compare(name, fields)
                children = [field.selection_set for field in fields if field.selection_set]
                key = tuple(map(id, children))
                if children and key not in checked:
                    checked.add(key)
                    pending.append(children)

    def _fields_by_name(self, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields of these selections, fragments expanded, by their name in the response."""
        fields: dict[str, list[FieldNode]] = {}
        expanded: set[str] = set()
        unread = [*sets][::-1]
        while unread:
            for node in unread.pop().selections:
                if isinstance(node, FieldNode):
                    name = node.alias or node.name
                    fields.setdefault(name.value, []).append(node)
                elif isinstance(node, InlineFragmentNode):
                    unread.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode) and node.name.value not in expanded:
                    expanded.add(node.name.value)
                    fragment = self.context.get_fragment(node.name.value)
                    if fragment is not None:
                        unread.append(fragment.selection_set)
        return fields

    def _compare(self, name: str, fields: Sequence[FieldNode]) -> None:
        first, *others = fields
        if not others:
            return
        arguments = _arguments(first)
        for other in others:
            conflict = ""
            if other.name.value != first.name.value:
                conflict = f"'{first.name.value}' and '{other.name.value}' are different fields"
            elif _arguments(other) != arguments:
                conflict = "they have differing arguments"
            if conflict:
                message = (
                    f"Fields '{name}' conflict because {conflict}. Use different aliases on the fields "
                    "to fetch both if this was intentional."
                )
                self.report_error(GraphQLError(message, [first, other]))
                return


def require_no_abstract_types(schema: GraphQLSchema) -> None:
    """Raises TypeError for a schema with interfaces or unions, which FieldsMerge does not support."""
    abstract = [name for name, kind in schema.type_map.items() if is_abstract_type(kind)]
    if abstract:
        raise TypeError(f"kit.graphql does not support interfaces and unions: {abstract}")


def _arguments(node: FieldNode) -> dict[str, str]:
    return {
        argument.name.value: print_ast(sort_value_node(argument.value)) for argument in node.arguments or ()
    }
