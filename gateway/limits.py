"""What a document may ask: depth, aliases, directives, tokens, characters. Checked once for each document, before anything is executed."""

from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    parse,
    visit,
)

from gateway.settings import Settings
from kit.errors import InvalidArgument

# graphql-core has one class for all that does not parse.
_TOO_MANY_TOKENS = "tokens. Parsing aborted"


class QueryTooComplex(InvalidArgument):
    """The document asks for more than the deployment answers; details name the cost and the limit."""

    reason = "QUERY_TOO_COMPLEX"


@dataclass(frozen=True, slots=True)
class Limits:
    """Most of each that a document may have."""

    depth: int
    aliases: int
    directives: int
    tokens: int
    characters: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """As the settings say."""
        return cls(
            settings.max_depth,
            settings.max_aliases,
            settings.max_directives,
            settings.max_tokens,
            settings.max_characters,
        )

    def parse(self, text: str) -> DocumentNode:
        """Raises GraphQLSyntaxError, and QueryTooComplex as soon as the text turns out to be too long."""
        _at_most("characters", len(text), self.characters)
        try:
            return parse(text, max_tokens=self.tokens)
        except GraphQLSyntaxError as error:
            if _TOO_MANY_TOKENS in error.message:
                _at_most("tokens", self.tokens + 1, self.tokens)
            raise

    def check(self, document: DocumentNode) -> None:
        """Raises QueryTooComplex."""
        counter = _Counter()
        visit(document, counter)
        _at_most("aliases", counter.aliases, self.aliases)
        _at_most("directives", counter.directives, self.directives)
        _at_most("depth", _depth(document, self.depth), self.depth)


def _at_most(what: str, cost: int, limit: int) -> None:
    if cost > limit:
        message = f"the document has {cost:,} {what}, at most {limit:,} are allowed"
        raise QueryTooComplex(message, details={"cost": cost, "limit": limit})


class _Counter(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.aliases = 0
        self.directives = 0

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.aliases += node.alias is not None

    def enter_directive(self, *_: Any) -> None:
        self.directives += 1


def _depth(document: DocumentNode, limit: int) -> int:
    """The deepest nesting of fields; the schema's own (__schema, __type) are not counted, they end by themselves.

    A fragment within itself is validation's business; here the count ends just beyond the limit.
    """
    fragments = {
        each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
    }

    def below(selections: SelectionSetNode | None, above: int) -> int:
        deepest = above
        if above > limit:
            return deepest
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                if not node.name.value.startswith("__"):
                    deepest = max(deepest, below(node.selection_set, above + 1))
            elif isinstance(node, InlineFragmentNode):
                deepest = max(deepest, below(node.selection_set, above))
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in open_fragments:
                fragment = fragments.get(node.name.value)
                if fragment is not None:
                    open_fragments.add(node.name.value)
                    deepest = max(deepest, below(fragment.selection_set, above))
                    open_fragments.discard(node.name.value)
        return deepest

    open_fragments: set[str] = set()
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return max((below(operation.selection_set, 0) for operation in operations), default=0)
