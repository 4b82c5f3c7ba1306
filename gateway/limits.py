"""What a document may ask: depth, fields, aliases, directives, definitions, spreads, selections, tokens, characters.

Checked once for each, before it is validated. Not here: its cost (gateway.cost), how often it may be asked (gateway.rates).
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from graphql import DocumentNode, FieldNode, GraphQLSyntaxError, Visitor, parse, visit

from gateway.settings import Settings
from gateway.sizes import Sizes, TooManyLevels
from kit.errors import InvalidArgument

# graphql-core has one class for all that does not parse.
_TOO_MANY_TOKENS: Final = "tokens. Parsing aborted"
_TOO_DEEP: Final = "nested too deeply. Parsing aborted"
# Levels of fields, inline fragments and spreads together: whatever walks a document calls itself for each, and Python's stack has an end.
_MOST_LEVELS: Final = 100


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
    definitions: int
    spreads: int
    selections: int
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
            settings.max_definitions,
            settings.max_spreads,
            settings.max_selections,
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
            if _TOO_DEEP in error.message:
                raise too_deep() from error
            raise

    def check(self, document: DocumentNode) -> None:
        """Raises QueryTooComplex."""
        _at_most("TOO_MANY_DEFINITIONS", "definitions", len(document.definitions), self.definitions)
        counter = _Counter()
        visit(document, counter)
        _at_most("TOO_MANY_FIELDS", "fields", counter.fields, self.fields)
        _at_most("TOO_MANY_ALIASES", "aliases", counter.aliases, self.aliases)
        _at_most("TOO_MANY_DIRECTIVES", "directives", counter.directives, self.directives)
        _at_most("TOO_MANY_SPREADS", "spreads of fragments", counter.spreads, self.spreads)
        try:
            size = Sizes(document, _MOST_LEVELS).largest()
        except TooManyLevels:
            raise too_deep() from None
        _at_most("TOO_DEEP", "levels of fields", size.depth, self.depth)
        what = "selections with its fragments expanded"
        _at_most("TOO_MANY_SELECTIONS", what, size.selections, self.selections)


def _at_most(reason: str, what: str, cost: int, limit: int) -> None:
    if cost > limit:
        message = f"the document has {cost:,} {what}, at most {limit:,} are allowed"
        raise QueryTooComplex(message, details={"cost": cost, "limit": limit}, reason=reason)


def too_deep() -> QueryTooComplex:
    """Of what would be walked deeper than Python's stack allows."""
    message = f"the document is nested deeper than {_MOST_LEVELS} levels"
    details = {"cost": _MOST_LEVELS + 1, "limit": _MOST_LEVELS}
    return QueryTooComplex(message, details=details, reason="TOO_DEEP")


class _Counter(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.fields = 0
        self.aliases = 0
        self.directives = 0
        self.spreads = 0

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.fields += 1
        self.aliases += node.alias is not None

    def enter_directive(self, *_: Any) -> None:
        self.directives += 1

    def enter_fragment_spread(self, *_: Any) -> None:
        self.spreads += 1
