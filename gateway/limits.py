"""What a document may ask: depth, fields, aliases, directives, tokens, characters. Checked once for each, before anything is executed.

Not here: its cost (gateway.cost), how often it may be asked (gateway.rates).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

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
    """The document asks for more than the deployment answers; the reason names the limit, details its number and what was asked."""

    code: ClassVar[str] = "QUERY_TOO_COMPLEX"
    reason = "TOO_COSTLY"


@dataclass(frozen=True, slots=True)
class Limits:
    """Most of each that a document may have."""

    depth: int
    fields: int
    aliases: int
    directives: int
    tokens: int
    characters: int
    cost: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """As the settings say."""
        return cls(
            settings.max_depth,
            settings.max_fields,
            settings.max_aliases,
            settings.max_directives,
            settings.max_tokens,
            settings.max_characters,
            settings.max_cost,
        )

    def parse(self, text: str) -> DocumentNode:
        """Raises GraphQLSyntaxError, and QueryTooComplex as soon as the text turns out to be too long."""
        _at_most("TOO_LONG", "characters", len(text), self.characters)
        try:
            return parse(text, max_tokens=self.tokens)
        except GraphQLSyntaxError as error:
            if _TOO_MANY_TOKENS in error.message:
                _at_most("TOO_MANY_TOKENS", "tokens", self.tokens + 1, self.tokens)
            raise

    def check(self, document: DocumentNode) -> None:
        """Raises QueryTooComplex."""
        counter = _Counter()
        visit(document, counter)
        _at_most("TOO_MANY_FIELDS", "fields", counter.fields, self.fields)
        _at_most("TOO_MANY_ALIASES", "aliases", counter.aliases, self.aliases)
        _at_most("TOO_MANY_DIRECTIVES", "directives", counter.directives, self.directives)
        _at_most("TOO_DEEP", "levels of fields", _depth(document, self.depth), self.depth)


def _at_most(reason: str, what: str, cost: int, limit: int) -> None:
    if cost > limit:
        message = f"the document has {cost:,} {what}, at most {limit:,} are allowed"
        raise QueryTooComplex(message, details={"cost": cost, "limit": limit}, reason=reason)


class _Counter(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.fields = 0
        self.aliases = 0
        self.directives = 0

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.fields += 1
        self.aliases += node.alias is not None

    def enter_directive(self, *_: Any) -> None:
        self.directives += 1


def _depth(document: DocumentNode, limit: int) -> int:
    """The deepest nesting of fields; the schema's own (__schema, __type) are not counted, they have a rule of their own.

    A fragment is measured once, however often it is spread. One within itself is validation's business.
    """
    fragments = {
        each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
    }
    measured: dict[str, int] = {}

    def below(selections: SelectionSetNode | None, above: int) -> int:
        # Nobody needs to know how much deeper it goes on, and our own stack has an end.
        if above > limit:
            return 1
        deepest = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                if not node.name.value.startswith("__"):
                    deepest = max(deepest, 1 + below(node.selection_set, above + 1))
            elif isinstance(node, InlineFragmentNode):
                deepest = max(deepest, below(node.selection_set, above))
            elif isinstance(node, FragmentSpreadNode):
                deepest = max(deepest, spread(node.name.value))
        return deepest

    def spread(name: str) -> int:
        if name not in measured:
            # Meanwhile, to whoever comes round in a circle.
            measured[name] = 0
            fragment = fragments.get(name)
            measured[name] = below(fragment.selection_set, 0) if fragment else 0
        return measured[name]

    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return max((below(operation.selection_set, 0) for operation in operations), default=0)
