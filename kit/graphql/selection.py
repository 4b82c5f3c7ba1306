"""Which fields a document selects, for resolvers that compute some results only on request."""

from collections.abc import Mapping, Sequence

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)


def selected(
    nodes: Sequence[FieldNode], path: Sequence[str], fragments: Mapping[str, FragmentDefinitionNode]
) -> bool:
    """Whether these nodes select the field at the end of `path`; visits each fragment once per step."""
    sets = [node.selection_set for node in nodes]
    for name in path:
        sets = [field.selection_set for field in _fields_named(sets, name, fragments)]
        if not sets:
            return False
    return True


def _fields_named(
    sets: Sequence[SelectionSetNode | None], name: str, fragments: Mapping[str, FragmentDefinitionNode]
) -> list[FieldNode]:
    fields: list[FieldNode] = []
    expanded: set[str] = set()
    unread = [selections for selections in sets if selections]
    while unread:
        for node in unread.pop().selections:
            if isinstance(node, FieldNode):
                if node.name.value == name:
                    fields.append(node)
            elif isinstance(node, InlineFragmentNode):
                unread.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in expanded:
                expanded.add(node.name.value)
                unread.append(fragments[node.name.value].selection_set)
    return fields
