"""The size of a document with its fragments expanded. Each fragment is measured once, so the work is linear in the document.

Not here: the limits (kit.graphql.limits).
"""

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)


@dataclass(frozen=True, slots=True)
class Size:
    """`depth` counts levels of fields, `levels` fields, inline fragments and spreads alike."""

    depth: int = 0
    levels: int = 0
    selections: int = 0


class TooManyLevels(Exception):
    """The selections are nested deeper than `max_levels`."""


class DocumentSizes:
    """Measures one document, down to `max_levels`."""

    def __init__(self, document: DocumentNode, max_levels: int) -> None:
        self._max_levels = max_levels
        self._document = document
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._measured: dict[str, Size] = {}

    def largest(self) -> Size:
        """Maximum depth, and selections of all operations together or of the largest fragment. Raises TooManyLevels."""
        fragments = [self._fragment(name, 0) for name in self._fragments]
        operations = [
            self._set(node.selection_set, 0)
            for node in self._document.definitions
            if isinstance(node, OperationDefinitionNode)
        ]
        return Size(
            max((size.depth for size in operations), default=0),
            max((size.levels for size in operations), default=0),
            max(sum(size.selections for size in operations), *(size.selections for size in fragments), 0),
        )

    def _set(self, selections: SelectionSetNode | None, level: int) -> Size:
        if selections is None:
            return Size()
        if level > self._max_levels:
            raise TooManyLevels
        depth = levels = count = 0
        for node in selections.selections:
            child = self._selection(node, level + 1)
            depth, levels = max(depth, child.depth), max(levels, child.levels)
            count += child.selections
        if level + levels > self._max_levels:
            raise TooManyLevels
        return Size(depth, levels, count)

    def _selection(self, node: SelectionNode, level: int) -> Size:
        if isinstance(node, FragmentSpreadNode):
            child, depth = self._fragment(node.name.value, level), 0
        else:
            assert isinstance(node, FieldNode | InlineFragmentNode)
            child, depth = self._set(node.selection_set, level), int(isinstance(node, FieldNode))
        if isinstance(node, FieldNode) and node.name.value.startswith("__"):
            # A validation rule limits the depth of introspection.
            return Size(0, 1 + child.levels, 1 + child.selections)
        return Size(depth + child.depth, 1 + child.levels, 1 + child.selections)

    def _fragment(self, name: str, level: int) -> Size:
        if name not in self._measured:
            # Placeholder that ends recursion on cyclic fragments (validation reports them).
            self._measured[name] = Size()
            fragment = self._fragments.get(name)
            if fragment is not None:
                self._measured[name] = self._set(fragment.selection_set, level)
        return self._measured[name]
