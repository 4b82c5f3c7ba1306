"""What documents ask a reader to type: targets, flags and files exist, and every query fits the schema.

tests/e2e runs the queries of the guide and the examples of the READMEs; tests/manifests runs what docs/operations says about the
database, and compares its settings, log events and workloads with the services.
"""

import json
import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from tests.house.house import committed
from tests.lint.checkout import ROOT
from tests.site.documents import Block, anchors, blocks, commands, documents

# Wider lines are cut off or scroll on a laptop beside the terminal.
MAX_CODE_LINE = 100
SCHEMA = build_schema((ROOT / "gateway" / "schema.graphql").read_text())
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def lines_with(pattern: str) -> list[tuple[str, str]]:
    return [(path, match) for path, line in commands() for match in re.findall(pattern, line)]


@pytest.mark.parametrize(("path", "target"), lines_with(r"^\s*(?:nix develop -c )?make ([a-z][a-z-]*)"))
def test_a_make_target_exists(path: str, target: str) -> None:
    assert target in TARGETS, path


@pytest.mark.parametrize(("path", "label"), lines_with(r"(?<![\w@/:])//([\w/.-]*(?::[\w.-]+)?)"))
def test_a_bazel_target_exists(path: str, label: str) -> None:
    package, _, name = label.partition(":")
    package = package.removesuffix("/...")
    folder = ROOT if package in ("", "...") else ROOT / package
    assert folder.is_dir(), f"{path}: //{label}"
    if name:
        declared = (folder / "BUILD.bazel").read_text() + (ROOT / "bazel" / "service.bzl").read_text()
        assert f'"{name}"' in declared, f"{path}: //{label}"


@pytest.mark.parametrize(("path", "flag"), lines_with(r"(?:bazel run //\S+ -- |make [a-z-]+ ARGS=)([^`]*)"))
def test_flags_are_those_of_the_program(path: str, flag: str) -> None:
    programs = "\n".join(
        source.read_text()
        for folder in ("tests", "gateway", "dev", "bazel", "account")
        for source in (ROOT / folder).rglob("*.py")
    )
    for name in re.findall(r"(?<!\w)--[a-z][a-z-]*", flag):
        assert f'"{name}"' in programs or f'"{name[2:].replace("-", "_")}"' in programs, f"{path}: {name}"


@pytest.mark.parametrize("block", blocks("graphql"), ids=lambda block: f"{block.path}: {block.text[:40]}")
def test_a_query_fits_the_schema(block: Block) -> None:
    text = re.sub(r"^# .*$", "", block.text, flags=re.MULTILINE).strip()
    assert not validate(SCHEMA, parse(text))


def test_lines_of_code_fit_a_narrow_page() -> None:
    wide = [
        f"{block.path}: {line}"
        for block in blocks()
        if block.path == "README.md" or block.path.startswith(("docs/guide/", "docs/operations/"))
        for line in block.text.splitlines()
        if len(line) > MAX_CODE_LINE
    ]
    assert not wide


def test_every_query_of_the_readme_and_the_guide_says_whose_token_it_needs() -> None:
    shown = [
        block
        for block in blocks("graphql")
        if block.path == "README.md" or block.path.startswith("docs/guide/")
    ]
    assert len([block for block in shown if block.path == "README.md"]) == 5
    for block in shown:
        assert re.match(
            r"# (without a token|with the (token|ADMIN's|account's)|as (ADMIN|the account))", block.text
        ), block


def test_the_mutations_of_the_readme_are_those_of_the_journey() -> None:
    """Word for word, whatever their line breaks."""
    journey = (ROOT / "tests" / "e2e" / "test_journey.py").read_text()
    mutations = re.findall(r'^(?:REGISTER|CREATE_\w+) = """\n(.*?)"""', journey, re.MULTILINE | re.DOTALL)
    values = iter(["john@example.com", "acc_...", "prod_..."])
    filled = [re.sub("%s", lambda _: next(values), text) for text in mutations]
    readme = [
        " ".join(block.text.split("\n", 1)[1].split())
        for block in blocks("graphql")
        if block.path == "README.md"
    ]
    assert [" ".join(text.split()) for text in filled] == readme[1:4]


def test_the_query_in_the_picture_of_the_playground_fits_the_schema() -> None:
    document = re.search(
        r'DOCUMENT: Final = """\\\n(.*?)"""', (ROOT / "dev" / "pictures.py").read_text(), re.DOTALL
    )
    assert document
    assert not validate(SCHEMA, parse(document[1]))


def test_queries_of_shell_examples_fit_the_schema() -> None:
    bodies = [body for block in blocks("sh") for body in re.findall(r"-d '(\{.*?\})'", block.text, re.DOTALL)]
    assert len(bodies) >= 3
    for body in bodies:
        assert not validate(SCHEMA, parse(json.loads(body)["query"]))


@pytest.mark.parametrize("block", blocks("json"), ids=lambda block: block.path)
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


def test_links_lead_to_headings() -> None:
    texts = documents()
    dead = []
    for path, document in texts.items():
        for file, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", document):
            shown = str((ROOT / path).parent.joinpath(file).resolve().relative_to(ROOT)) if file else path
            if shown in texts and anchor not in anchors(texts[shown]):
                dead.append(f"{path}: {file}#{anchor}")
    assert not dead


def test_tests_that_documents_name_exist() -> None:
    """By their names: their folders move more often than the documents change."""
    names = {path.name for path in committed()}
    missing = [
        f"{path}: {mention}"
        for path, code in commands()
        for mention in re.findall(r"(?:[\w-]+/)*test_\w+\.py", code)
        if Path(mention).name not in names
    ]
    assert not missing
