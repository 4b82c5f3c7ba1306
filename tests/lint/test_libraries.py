"""Each library is imported by the packages that wrap it, and by no other, so that it can be replaced behind them."""

import ast

import pytest

from tests.house.house import in_tests, python
from tests.lint.checkout import ROOT
from tests.lint.shape import parse

OWNERS = {
    "aiohttp": ("payment",),
    "aiosmtplib": ("notification",),
    "asyncpg": ("kit.db", "kit.testing"),
    "bcrypt": ("account",),
    "crc32c": ("kit.events",),
    "elasticsearch": ("kit.search",),
    "grpc": ("kit.rpc",),
    "hiredis": ("kit.cache", "kit.graphql"),
    "jwt": ("kit.auth",),
    "kafka": ("kit.events", "kit.testing"),
    "redis": ("kit.cache",),
    "strawberry": ("gateway", "kit.graphql"),
    "stripe": ("payment",),
    "uvicorn": ("kit.service", "kit.web"),
}


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """What each module of our own imports, tests left out: the names of top-level packages."""
    modules = [parse(ROOT, path) for path in python() if not in_tests(path)]
    return {module.name: _imported(module.tree) for module in modules}


def _imported(tree: ast.Module) -> set[str]:
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in imports if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize(("library", "owners"), OWNERS.items())
def test_a_library_stays_behind_its_owners(
    imported: dict[str, set[str]], library: str, owners: tuple[str, ...]
) -> None:
    strangers = [
        name
        for name, libraries in imported.items()
        if library in libraries and not (name + ".").startswith(tuple(f"{owner}." for owner in owners))
    ]
    assert not strangers


def test_only_kit_rpc_imports_generated_grpc_stubs() -> None:
    """kit.rpc reads services from their descriptors (ADR 0007); the stub of the health service comes with its library."""
    importers_of_stubs = [path for path in python() if not in_tests(path) and "_pb2_grpc" in path.read_text()]
    assert [path.relative_to(ROOT).parent.as_posix() for path in importers_of_stubs] in ([], ["kit/rpc"])
