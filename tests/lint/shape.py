"""The size of modules, functions, folders and constructors, and who imports whom, read from the source."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

# What a constructor takes as a value; everything else is a dependency.
VALUES = set(
    "str int float bool bytes None Path date datetime timedelta Decimal list tuple dict set frozenset "
    "Sequence Mapping Iterable Collection Literal Any".split()
)


class Module(NamedTuple):
    """One Python file: its dotted name, whether it is a package's `__init__`, its lines and its syntax tree."""

    name: str
    is_package: bool
    lines: int
    tree: ast.Module


def parse(root: Path, path: Path) -> Module:
    """The module at `path`, named as it is imported."""
    parts = path.relative_to(root).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    text = path.read_text()
    name = ".".join(parts[:-1] if is_package else parts)
    return Module(name, is_package, len(text.splitlines()), ast.parse(text))


def function_lengths(module: Module) -> Iterator[int]:
    """Lines of every function, with signature and docstring."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


def dependencies(module: Module) -> Iterator[tuple[str, list[str]]]:
    """Each class with the names of its constructor's parameters that are no plain values."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    arguments = [*method.args.posonlyargs, *method.args.args, *method.args.kwonlyargs][1:]
                    yield node.name, [arg.arg for arg in arguments if not _is_value(arg.annotation)]


def _is_value(annotation: ast.expr | None) -> bool:
    if annotation is None:
        return False
    names = {node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)}
    return names <= VALUES


def imports(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """Which module imports which, TYPE_CHECKING and imports inside functions counted."""
    return {name: set(_imported(module, modules)) - {name} for name, module in modules.items()}


def _imported(module: Module, modules: Mapping[str, Module]) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        if isinstance(node, ast.ImportFrom):
            origin = _origin(module, node)
            for alias in node.names:
                submodule = f"{origin}.{alias.name}"
                if submodule in modules or origin in modules:
                    yield submodule if submodule in modules else origin


def _origin(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.name.split(".")
    up = node.level - (1 if module.is_package else 0)
    return ".".join([*package[: len(package) - up], *([node.module] if node.module else [])])


def cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """One path round each set of modules that import each other."""
    reach = {name: _reachable(graph, name) for name in graph}
    seen: set[str] = set()
    paths = []
    for name in sorted(graph):
        if name in reach[name] and name not in seen:
            seen |= {other for other in reach[name] if name in reach[other]}
            paths.append(_way_back(graph, name))
    return paths


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    open_names = [start]
    while open_names:
        for name in graph[open_names.pop()] - reached:
            reached.add(name)
            open_names.append(name)
    return reached


def _way_back(graph: Mapping[str, set[str]], start: str) -> list[str]:
    """The shortest path from a module to itself, breadth first."""
    paths = [[start]]
    seen: set[str] = set()
    for path in paths:
        for name in sorted(graph[path[-1]] - seen):
            if name == start:
                return [*path, start]
            seen.add(name)
            paths.append([*path, name])
    return []
