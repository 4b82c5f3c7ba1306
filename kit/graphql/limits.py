"""Checks a document against its limits, once and before it is validated.

Not here: cost (kit.graphql.cost) and rates (kit.graphql.rate_limits).
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FloatValueNode,
    GraphQLSyntaxError,
    IntValueNode,
    Visitor,
    parse,
    visit,
)
from kit.errors import InvalidArgument
from kit.graphql.options import DocumentLimits
from kit.graphql.parsing import MAX_NUMBER_LENGTH
from kit.graphql.sizes import DocumentSizes, TooManyLevels

# graphql-core raises one class for everything that does not parse.
_TOO_MANY_TOKENS: Final = "tokens. Parsing aborted"
_TOO_DEEP: Final = "nested too deeply. Parsing aborted"
# Levels of fields, inline fragments and spreads together: code that walks a document recurses once for each, and Python's stack is finite.
_MAX_LEVELS: Final = 100


class QueryTooComplex(InvalidArgument):
    """The document exceeds a limit: `reason` names the limit, `details` holds its value and the document's."""

    code: ClassVar[str] = "QUERY_TOO_COMPLEX"
    reason = "TOO_COSTLY"


def parse_limited(text: str, limits: DocumentLimits) -> DocumentNode:
    """Raises GraphQLSyntaxError, and QueryTooComplex for a text beyond the limits of characters, tokens or nesting."""
    _check_limit("TOO_LONG", "characters", len(text), limits.characters)
    try:
        return parse(text, max_tokens=limits.tokens)
    except GraphQLSyntaxError as error:
        if _TOO_MANY_TOKENS in error.message:
            _check_limit("TOO_MANY_TOKENS", "tokens", limits.tokens + 1, limits.tokens)
        if _TOO_DEEP in error.message:
            raise too_deep() from error
        raise


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """What a document within the limits has: directives, and selections with fragments expanded."""

    directives: int
    selections: int


def check_document(document: DocumentNode, limits: DocumentLimits) -> CheckedDocument:
    """Raises QueryTooComplex, and InvalidArgument for a number that is too long."""
    _check_limit("TOO_MANY_DEFINITIONS", "definitions", len(document.definitions), limits.definitions)
    counter = _Counter()
    visit(document, counter)
    _check_limit("TOO_MANY_FIELDS", "fields", counter.fields, limits.fields)
    _check_limit("TOO_MANY_ALIASES", "aliases", counter.aliases, limits.aliases)
    _check_limit("TOO_MANY_DIRECTIVES", "directives", counter.directives, limits.directives)
    _check_limit("TOO_MANY_SPREADS", "fragment spreads", counter.spreads, limits.spreads)
    try:
        size = DocumentSizes(document, _MAX_LEVELS).largest()
    except TooManyLevels:
        raise too_deep() from None
    _check_limit("TOO_DEEP", "levels of fields", size.depth, limits.depth)
    _check_limit(
        "TOO_MANY_SELECTIONS", "selections with fragments expanded", size.selections, limits.selections
    )
    return CheckedDocument(counter.directives, size.selections)


def too_deep() -> QueryTooComplex:
    """Nesting beyond what Python's stack allows."""
    message = f"the document is nested deeper than {_MAX_LEVELS} levels"
    details = {"cost": _MAX_LEVELS + 1, "limit": _MAX_LEVELS}
    return QueryTooComplex(message, details=details, reason="TOO_DEEP")


def _check_limit(reason: str, noun: str, value: int, limit: int) -> None:
    if value > limit:
        message = f"the document has {value:,} {noun}, the maximum is {limit:,}"
        raise QueryTooComplex(message, details={"cost": value, "limit": limit}, reason=reason)


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

    def enter_int_value(self, node: IntValueNode, *_: Any) -> None:
        _check_number(node)

    def enter_float_value(self, node: FloatValueNode, *_: Any) -> None:
        _check_number(node)


def _check_number(node: IntValueNode | FloatValueNode) -> None:
    # Python refuses to convert thousands of digits, and an error would show them.
    if len(node.value) > MAX_NUMBER_LENGTH:
        raise InvalidArgument(f"a number may have up to {MAX_NUMBER_LENGTH} characters")
