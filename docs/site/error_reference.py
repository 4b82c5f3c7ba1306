"""The reference of errors: every code, and every reason with its meaning, read from the source of the services."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kit.errors import Category
from kit.errors.transport import REASONS_AS_GRAPHQL_CODES, TABLE

SERVICES = ("account", "catalog", "gateway", "kit", "notification", "order", "payment")
_HEAD = """# Errors

`extensions.code` is the code, `extensions.reason` the reason. gRPC carries the reason in `ErrorInfo`.

## Codes

| category | GraphQL code | HTTP | gRPC |
|---|---|--:|--:|
"""


class Reason(NamedTuple):
    """One reason: the class that raises it, and what it means."""

    reason: str
    service: str
    code: str
    meaning: str


def write(root: Path, folder: Path) -> None:
    """Writes errors.md into the folder; the source lies in `root`."""
    rows = [
        f"| {category.name} | `{codes.graphql}` | {codes.http} | {codes.grpc} |"
        for category, codes in TABLE.items()
    ]
    lines = [f"| `{r.reason}` | `{r.code}` | {r.service} | {r.meaning} |" for r in sorted(set(reasons(root)))]
    head = "\n\n## Reasons\n\n| reason | code | raised by | meaning |\n|---|---|---|---|\n"
    (folder / "errors.md").write_text(_HEAD + "\n".join(rows) + head + "\n".join(lines) + "\n")


def reasons(root: Path) -> Iterator[Reason]:
    """Every reason that a class of errors declares."""
    for service in SERVICES:
        modules = [path for path in sorted((root / service).rglob("*.py")) if "tests" not in path.parts]
        classes = [
            node
            for path in modules
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.ClassDef)
        ]
        bases = {
            node.name: [base.id for base in node.bases if isinstance(base, ast.Name)] for node in classes
        }
        for node in classes:
            for statement in node.body:
                match statement:
                    case ast.Assign(targets=[ast.Name("reason")], value=ast.Constant(str(reason))) if reason:
                        yield Reason(reason, service, _code(node.name, reason, bases), _meaning(node))


def _code(name: str, reason: str, bases: dict[str, list[str]]) -> str:
    if reason in REASONS_AS_GRAPHQL_CODES:
        return reason
    category = _category(name, bases)
    return TABLE[category].graphql if category else "-"


def _category(name: str, bases: dict[str, list[str]]) -> Category | None:
    by_class = {"".join(part.capitalize() for part in kind.name.split("_")): kind for kind in Category}
    by_class["Contention"] = Category.UNAVAILABLE
    if name in by_class:
        return by_class[name]
    return next((kind for base in bases.get(name, ()) if (kind := _category(base, bases))), None)


def _meaning(node: ast.ClassDef) -> str:
    return " ".join((ast.get_docstring(node) or "").split()).replace("|", "\\|")
