"""How large a document is once its fragments are expanded. Every fragment is measured once, so the work is linear in the document.

Not here: which sizes are allowed, see gateway.limits.
"""

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)


@dataclass(frozen=True, slots=True)
class Size:
    """Of selections: levels of fields, levels of anything with braces, and how many selections there are in all."""

    depth: int = 0
    levels: int = 0
    selections: int = 0


class TooManyLevels(Exception):
    """The selections are nested deeper than the caller wants to know."""


class Sizes:
    """Measures the selections of one document, at most `most_levels` deep."""

    def __init__(self, document: DocumentNode, most_levels: int) -> None:
        self._most_levels = most_levels
        self._document = document
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._measured: dict[str, Size] = {}

    def largest(self) -> Size:
        """The greatest depth and number of selections of any definition; all operations count as one. Raises TooManyLevels."""
        fragments = [self._fragment(name, 0) for name in self._fragments]
        operations = [
            self._of(each.selection_set, 0)
            for each in self._document.definitions
            if isinstance(each, OperationDefinitionNode)
        ]
        return Size(
            max((size.depth for size in operations), default=0),
            max((size.levels for size in operations), default=0),
            max(sum(size.selections for size in operations), *(size.selections for size in fragments), 0),
        )

    def _of(self, chosen: SelectionSetNode | None, above: int) -> Size:
        if chosen is None:
            return Size()
        if above > self._most_levels:
            raise TooManyLevels
        depth = levels = selections = 0
        for node in chosen.selections:
            own = 0
            if isinstance(node, FieldNode):
                below = self._of(node.selection_set, above + 1)
                # What the schema says of itself has a limit of its own.
                own = 0 if node.name.value.startswith("__") else 1
                deep = own + below.depth if own else 0
            elif isinstance(node, InlineFragmentNode):
                below = self._of(node.selection_set, above + 1)
                deep = below.depth
            else:
                assert isinstance(node, FragmentSpreadNode)
                below = self._fragment(node.name.value, above + 1)
                deep = below.depth
            depth, levels = max(depth, deep), max(levels, 1 + below.levels)
            selections += 1 + below.selections
        if above + levels > self._most_levels:
            raise TooManyLevels
        return Size(depth, levels, selections)

    def _fragment(self, name: str, above: int) -> Size:
        if name not in self._measured:
            # A fragment within itself is refused by validation; here it ends the circle.
            self._measured[name] = Size()
            fragment = self._fragments.get(name)
            if fragment is not None:
                self._measured[name] = self._of(fragment.selection_set, above)
        return self._measured[name]
