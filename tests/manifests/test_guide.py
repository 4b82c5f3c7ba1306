"""docs/operations: commands, settings, log lines, panels and files in it exist, and its SQL statements run.

Links are checked by tests/house, alerts and their pages by test_monitoring, the restore by test_backup.
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import asyncpg
import pytest

from dev.ports import Ports
from kit.db import Migrations
from kit.service import Service
from kit.settings import load
from kit.testing import Postgres
from kit.testing.fixtures import postgres
from tests.lint.checkout import ROOT
from tests.manifests.manifests import BASE, PRODUCTION, SERVICES, built, of_kind, settings, variables

__all__ = ["postgres"]

GUIDE = sorted((ROOT / "docs" / "operations").rglob("*.md"))
TEXTS = {str(path.relative_to(ROOT / "docs" / "operations")): path.read_text() for path in GUIDE}
TEXTS["cancelled-order.md"] = (ROOT / "docs" / "recipes" / "cancelled-order.md").read_text()
DATABASES = tuple(service for service in SERVICES if service != "gateway")
# Commands of every service (kit.service.main).
COMMANDS = {"serve", "migrate", "--check", "settings", "dead-letters", "republish", "kafka-acls"}
# Upper-case words that are not our settings.
OTHER_VARIABLES = {
    "PASSWORD",
    "HOST",
    "ACCESS_KEY_ID",
    "SECRET_ACCESS_KEY",
    "REGISTRY",
    "REGISTRY_USER",
    "REGISTRY_PASSWORD",
    "UPDATES_TOKEN",
    "BAZEL_PYTHON",
    "ARGS",
}

every_page = pytest.mark.parametrize("page", TEXTS)


def service(name: str) -> Service:
    """The service, built for development."""
    built: Service = import_module(f"{name}.app").build(load(settings(name), {"PROFILE": "development"}))
    return built


def codes(text: str) -> list[str]:
    """Code blocks and inline code."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    return [*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))]


def statements() -> list[tuple[str, str]]:
    """Every SQL statement with its page."""
    return [
        (page, code) for page, text in TEXTS.items() for code in codes(text) if code.startswith("SELECT ")
    ]


@every_page
def test_commands_exist(page: str) -> None:
    for name, command in re.findall(r"-m (\w+) ([\w-]+)", "\n".join(codes(TEXTS[page]))):
        if name in SERVICES:
            assert command in COMMANDS | set(service(name).commands), f"{page}: {name} {command}"


@every_page
def test_workloads_exist(page: str) -> None:
    mentioned = {
        name for code in codes(TEXTS[page]) for name in re.findall(r"\bdeploy(?:ment)?/([a-z-]+)", code)
    }
    workloads = {
        manifest["metadata"]["name"] for manifest in of_kind(built(BASE), "Deployment", "StatefulSet")
    }
    assert mentioned - {path.name for path in (ROOT / "deploy").iterdir()} <= workloads
    offered = {manifest["metadata"]["name"] for manifest in of_kind(built(BASE), "Service")}
    assert set(re.findall(r"\bsvc/([a-z-]+)", TEXTS[page])) <= offered


@every_page
def test_settings_exist(page: str) -> None:
    known = {variable for name in SERVICES for variable in variables(name)}
    known |= {f"SOUK_{port.name.upper()}_PORT" for port in fields(Ports)}
    mentioned = {
        name for code in codes(TEXTS[page]) for name in re.findall(r"^([A-Z]+(?:_[A-Z]+)+)(?:=.*)?$", code)
    }
    source = "\n".join(path.read_text() for path in (ROOT / "kit" / "errors").glob("*.py"))
    unknown = {name for name in mentioned - known - OTHER_VARIABLES if f'"{name}"' not in source + sources()}
    assert not unknown


def sources() -> str:
    """The code of kit and the services, with its log lines, consumer groups and error codes."""
    packages = ("kit", "dev", *SERVICES)
    files = (
        path for package in packages for path in (ROOT / package).rglob("*.py") if "tests" not in path.parts
    )
    return "\n".join(path.read_text() for path in files)


@every_page
def test_log_lines_and_groups_exist(page: str) -> None:
    mentioned = {code for code in codes(TEXTS[page]) if re.fullmatch(r"[a-z]+\.[a-z_]+", code)}
    missing = {name for name in mentioned if f'"{name}"' not in sources() and not Path(ROOT, name).exists()}
    # A group's name starts with its service.
    assert {name for name in missing if f'"{name.partition(".")[2]}"' not in sources()} == set()


@every_page
def test_panels_exist(page: str) -> None:
    dashboards = [
        json.loads(path.read_text()) for path in (ROOT / "deploy/grafana/dashboards").glob("*.json")
    ]
    titles = {
        title
        for dashboard in dashboards
        for title in (dashboard["title"], *(panel["title"] for panel in dashboard["panels"]))
    }
    text = re.sub(r"```.*?```|`[^`\n]*`", "", TEXTS[page], flags=re.DOTALL)
    assert set(re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", text)) <= titles


@every_page
def test_make_targets_and_files_exist(page: str) -> None:
    mentioned = codes(TEXTS[page])
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {name for code in mentioned for name in re.findall(r"\bmake ([a-z-]+)", code)} <= targets
    paths = {
        path for code in mentioned for path in re.findall(r"(?<![\w/])(?:k8s|tests|dev|kit)/[\w./-]*\w", code)
    }
    assert {path for path in paths if not Path(ROOT, path).exists()} == set()


@pytest.fixture(scope="module")
async def databases(postgres: Postgres) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    connections = {}
    for name in DATABASES:
        postgres.create_database(f"guide_{name}")
        await Migrations(name).apply(postgres.url(f"guide_{name}"))
        connections[name] = await asyncpg.connect(postgres.url(f"guide_{name}"))
    yield connections
    for connection in connections.values():
        await connection.close()


@pytest.mark.parametrize(("page", "statement"), statements(), ids=lambda value: value[:40])
async def test_statements_run(page: str, statement: str, databases: dict[str, asyncpg.Connection]) -> None:
    """On the database that the page names, otherwise on all."""
    named = re.search(rf"In (\w+)'s database: `{re.escape(statement)}`", TEXTS[page])
    for connection in [databases[named[1]]] if named else databases.values():
        await connection.fetch(statement)


def test_production_uses_the_operators_that_the_guide_installs() -> None:
    text = TEXTS["install.md"]
    kinds = {manifest["apiVersion"].split("/")[0] for manifest in built(PRODUCTION)}
    for group, operator in (
        ("postgresql.cnpg.io", "CloudNativePG"),
        ("kafka.strimzi.io", "Strimzi"),
        ("elasticsearch.k8s.elastic.co", "ECK"),
        ("gateway.networking.k8s.io", "Gateway API"),
    ):
        assert (group in kinds) == (operator in text)
