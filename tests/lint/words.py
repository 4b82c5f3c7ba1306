"""The words that Souk does not use, and where a file uses them; docs/glossary.md has the words that it does use.

Identifiers are the names that our own Python defines, so names of libraries do not count. Prose is every comment, docstring,
string and text file, and the names of tests, which are sentences.
"""

import ast
import fnmatch
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import PurePath
from typing import NamedTuple

# Pattern of whole words -> what to write instead. In prose, and in identifiers read as a sentence.
PROSE = {
    r"told|tells?|telling": "publish, notify, record, report or return",
    r"heard|hears?|hearing": "consume, receive or be notified",
    r"nobody(?:'s)?|somebody(?:'s)?|whoever|whomever": "the actor: no client, another replica, the caller",
    r"anew": "again, or from scratch",
    r"meanwhile": "concurrently, or in the meantime",
    r"mend(?:s|ed|ing)?": "fix or repair",
    r"begun": "started",
    r"puts? off|putting off": "defer, or retry later",
    r"stands? in (?:the|its|their) way": "what prevents it",
    r"dear|dearer|dearest": "expensive, or its cost",
    r"(?:is|are|was|were|be|been|being|stays?|goes|while|when) away|with (?:\w+ ){1,2}away": "unavailable or down",
    r"books": "consistency checks, ledger or data",
    r"so (?:many|long|few|much)": "the limit itself, or 'for this long'",
    r"(?:is|are|was|were|be|been|being|not|as|what) asked for": "requested",
    r"(?<!in )facts?": "event (DomainEvent in code)",
}
# Part of an identifier -> what to write instead.
IDENTIFIER = {
    "most": "max",
    "least": "min",
    "away": "unavailable or down",
    "begin": "start",
    "began": "started",
    "wanted": "requested",
    "asked": "requested",
    "kept": "stored or cached",
    "refuse": "reject",
    "refuses": "reject",
    "refused": "rejected",
    "refusal": "rejection",
    "refusals": "rejections",
}
# Out only as the whole name.
WHOLE = {
    "each": "the thing's name: row, error, event",
    "found": "result, match or rows",
    "which": "filter",
    "words": "args",
}
# Files, pattern of what they may say, and why.
EXCEPTIONS = (
    ("*", r"(?:0003_)?availability_told|told_time", "a table, its column and its migration"),
    ("catalog/search/tests/relevance_catalogue.txt", r"[Bb]ooks", "a shop sells books"),
    ("dev/catalogue.py", r"Books", "a shop sells books"),
    ("examples/storefront/pictures.py", r"books", "a shop sells books"),
    ("*", r"most_recent", "an option of libraries"),
    ("kit/web/connections.py", r"on_message_begin", "a callback of httptools"),
    ("*", r"_*at_(?:least|most)_\w+", "'at least once' is the word of the field"),
    ("account/*", r"words", "accounts are found by their words, a column"),
    ("gateway/types/notification.py", r"REFUSED", "a value of the public API"),
    ("catalog/*", r"words", "what shoppers type consists of words"),
)
EXEMPT = ("tests/lint/words.py", "tests/lint/test_words.py")
_PROSE = [(re.compile(rf"\b(?:{words})\b", re.IGNORECASE), better) for words, better in PROSE.items()]
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Names that SQL defines: common table expressions, and aliases of columns and tables.
_CTE = re.compile(
    r"\b([a-z]\w*)\s*(?:\([\w\s,]*\)\s*)?AS\s+(?:(?:NOT\s+)?MATERIALIZED\s+)?\(\s*(?=SELECT|INSERT|UPDATE|DELETE|WITH)"
)
_ALIAS = re.compile(r"\bAS ([a-z]\w*)")


class Fault(NamedTuple):
    """A word that is out."""

    line: int
    word: str
    better: str


def faults(path: str, text: str) -> list[Fault]:
    """Every word in the file at `path` (relative to the checkout) that is out."""
    if path in EXEMPT:
        return []
    for files, pattern, _ in EXCEPTIONS:
        if fnmatch.fnmatch(path, files):
            text = re.sub(rf"(?<![A-Za-z0-9_]){pattern}(?![A-Za-z0-9_])", "_", text)
    return sorted(set(_python(text) if PurePath(path).suffix == ".py" else _prose(text)))


def _python(text: str) -> Iterator[Fault]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield from _prose(token.string, token.start[0])
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _prose(node.value, node.lineno)
            for name in _CTE.findall(node.value) + _ALIAS.findall(node.value):
                yield from _identifier(name, node.lineno)
        for name, line in _defined(node):
            yield from _identifier(name, line)


def _defined(node: ast.AST) -> Iterator[tuple[str, int]]:
    """The names that a node defines: functions, classes, parameters, variables, attributes."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name, node.lineno
        case ast.arg():
            yield node.arg, node.lineno
        case ast.Name(ctx=ast.Store()):
            yield node.id, node.lineno
        case ast.Attribute(ctx=ast.Store()):
            yield node.attr, node.lineno
        case ast.ExceptHandler(name=str(name)):
            yield name, node.lineno
        case ast.For(iter=ast.Call(func=ast.Name("enumerate")), target=ast.Tuple(elts=[ast.Name("at"), *_])):
            yield "enumerate at", node.lineno


def _identifier(name: str, line: int) -> Iterator[Fault]:
    if name == "enumerate at":
        yield Fault(line, "at", "index")
        return
    parts = [part.lower() for part in _PARTS.findall(name)]
    yield from _prose(" ".join(parts), line)
    if parts[:1] == ["test"]:  # a sentence
        return
    for part in parts:
        if part in IDENTIFIER:
            yield Fault(line, f"{part} in {name}", IDENTIFIER[part])
    if name.strip("_").lower() in WHOLE:
        yield Fault(line, name, WHOLE[name.strip("_").lower()])


def _prose(text: str, first_line: int = 1) -> Iterator[Fault]:
    # a word in an identifier such as `orders_told` counts too
    readable = text.replace("_", " ")
    for words, better in _PROSE:
        for hit in words.finditer(readable):
            yield Fault(first_line + readable.count("\n", 0, hit.start()), hit[0].replace("\n", " "), better)
