"""docs/operations: what it tells people to type and to look at is there; statements run on the databases as they are.

Links are tests/house's, alerts and their pages test_monitoring's, the restore test_backup's.
"""

import json
import re
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import asyncpg
import pytest

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
# Of every service (kit.service.main).
COMMANDS = {"serve", "migrate", "--check", "settings", "dead-letters", "kafka-acls"}
# Upper case that is no setting of ours: codes of answers, states, others' words.
WORDS = {"PASSWORD", "HOST", "REGISTRY", "BAZEL_PYTHON", "ARGS"}

each_page = pytest.mark.parametrize("page", TEXTS)


def service(name: str) -> Service:
    """The service as it would be started for development."""
    built: Service = import_module(f"{name}.app").build(load(settings(name), {"PROFILE": "development"}))
    return built


def codes(text: str) -> list[str]:
    """What stands between backticks, and in blocks."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    return [*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))]


def statements() -> list[tuple[str, str]]:
    """Every statement that somebody is told to run, with its page."""
    return [
        (page, code) for page, text in TEXTS.items() for code in codes(text) if code.startswith("SELECT ")
    ]


@each_page
def test_commands_are_those_of_the_services(page: str) -> None:
    for name, command in re.findall(r"-m (\w+) ([\w-]+)", "\n".join(codes(TEXTS[page]))):
        if name in SERVICES:
            assert command in COMMANDS | set(service(name).commands), f"{page}: {name} {command}"


@each_page
def test_workloads_are_those_of_the_manifests(page: str) -> None:
    told = {each for code in codes(TEXTS[page]) for each in re.findall(r"\bdeploy(?:ment)?/([a-z-]+)", code)}
    workloads = {
        each["metadata"]["name"] for each in of_kind(built(BASE), "Deployment", "StatefulSet", "Job")
    }
    assert told <= workloads
    offered = {each["metadata"]["name"] for each in of_kind(built(BASE), "Service")}
    assert set(re.findall(r"\bsvc/([a-z-]+)", TEXTS[page])) <= offered


@each_page
def test_settings_are_those_of_the_services(page: str) -> None:
    known = {variable for name in SERVICES for variable in variables(name)}
    told = {
        each for code in codes(TEXTS[page]) for each in re.findall(r"^([A-Z]+(?:_[A-Z]+)+)(?:=.*)?$", code)
    }
    source = "\n".join(path.read_text() for path in (ROOT / "kit" / "errors").glob("*.py"))
    strange = {each for each in told - known - WORDS if f'"{each}"' not in source + sources()}
    assert not strange


def sources() -> str:
    """What the services say in quotes: log lines, groups, codes of errors."""
    rooms = ("kit", *SERVICES)
    files = (path for room in rooms for path in (ROOT / room).rglob("*.py") if "tests" not in path.parts)
    return "\n".join(path.read_text() for path in files)


@each_page
def test_log_lines_and_groups_are_those_of_the_services(page: str) -> None:
    told = {code for code in codes(TEXTS[page]) if re.fullmatch(r"[a-z]+\.[a-z_]+", code)}
    missing = {each for each in told if f'"{each}"' not in sources() and not Path(ROOT, each).exists()}
    # A group is named for its service.
    assert {each for each in missing if f'"{each.partition(".")[2]}"' not in sources()} == set()


@each_page
def test_panels_are_those_of_the_dashboards(page: str) -> None:
    dashboards = [
        json.loads(path.read_text()) for path in (ROOT / "deploy/grafana/dashboards").glob("*.json")
    ]
    titles = {
        title
        for each in dashboards
        for title in (each["title"], *(panel["title"] for panel in each["panels"]))
    }
    text = re.sub(r"```.*?```|`[^`\n]*`", "", TEXTS[page], flags=re.DOTALL)
    assert set(re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", text)) <= titles


@each_page
def test_make_targets_and_files_are_there(page: str) -> None:
    told = codes(TEXTS[page])
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {each for code in told for each in re.findall(r"\bmake ([a-z-]+)", code)} <= targets
    paths = {
        each for code in told for each in re.findall(r"(?<![\w/])(?:k8s|tests|dev|kit)/[\w./-]*\w", code)
    }
    assert {path for path in paths if not Path(ROOT, path).exists()} == set()


@pytest.fixture(scope="module")
async def databases(postgres: Postgres) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    opened = {}
    for name in DATABASES:
        postgres.create_database(f"guide_{name}")
        await Migrations(name).apply(postgres.url(f"guide_{name}"))
        opened[name] = await asyncpg.connect(postgres.url(f"guide_{name}"))
    yield opened
    for connection in opened.values():
        await connection.close()


@pytest.mark.parametrize(("page", "statement"), statements(), ids=lambda value: value[:40])
async def test_statements_run(page: str, statement: str, databases: dict[str, asyncpg.Connection]) -> None:
    """On the database that the page names, else on every one."""
    named = re.search(rf"In (\w+)'s database: `{re.escape(statement)}`", TEXTS[page])
    for connection in [databases[named[1]]] if named else databases.values():
        await connection.fetch(statement)


def test_production_is_what_the_guide_installs() -> None:
    """Versions that somebody has to have before."""
    text = TEXTS["install.md"]
    kinds = {each["apiVersion"].split("/")[0] for each in built(PRODUCTION)}
    for group, operator in (
        ("postgresql.cnpg.io", "CloudNativePG"),
        ("kafka.strimzi.io", "Strimzi"),
        ("elasticsearch.k8s.elastic.co", "ECK"),
    ):
        assert (group in kinds) == (operator in text)
