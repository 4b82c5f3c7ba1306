"""The recipes of docs/recipes work: their steps are applied to a copy of the checkout, where their checks pass."""

import re
from pathlib import Path

import pytest

from tests.lint.checkout import ROOT
from tests.lint.typed import environment
from tests.site.recipes import Copy, checks, steps

RECIPES = {
    path.name: path.read_text()
    for path in sorted((ROOT / "docs" / "recipes").glob("*.md"))
    if path.name != "README.md"
}
EDITING = [name for name, text in RECIPES.items() if steps(text)]
PRINT_SCHEMA = "-m gateway schema > gateway/schema.graphql"


def test_there_are_five() -> None:
    listed = re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs" / "recipes" / "README.md").read_text())
    assert len(RECIPES) == 5
    assert set(listed) == set(RECIPES)


@pytest.mark.parametrize("name", EDITING)
def test_a_recipe_works(name: str, tmp_path: Path) -> None:
    recipe = RECIPES[name]
    copy = Copy(tmp_path)

    copy.apply(recipe)
    if PRINT_SCHEMA in recipe:
        copy.write("gateway/schema.graphql", copy.python("-m", "gateway", "schema"))

    assert checks(recipe)
    for kind, arguments in checks(recipe):
        check(copy, kind, arguments, tmp_path)


def check(copy: Copy, kind: str, arguments: list[str], folder: Path) -> None:
    match kind:
        case "types":
            cache = str(ROOT / ".mypy_cache" / "recipes")
            copy.python(
                "-m",
                "mypy",
                "--python-executable",
                str(environment(folder / "venv")),
                "--cache-dir",
                cache,
                *arguments,
            )
        case "tests":
            copy.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", *arguments)
        case "events":
            copy.python("dev/event_catalogue.py", ".")
        case "site":
            code = "import sys; from pathlib import Path; from docs.site.error_reference import reasons; print(*reasons(Path('.')))"
            assert arguments[0] in copy.python("-c", code)
        case _:
            raise AssertionError(f"unknown check: {kind}")


def test_a_step_without_its_place_fails(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\n")
    (step,) = steps("In `a.py`, after `two`:\n\n```python\nthree\n```\n")

    with pytest.raises(AssertionError, match="no 'two'"):
        step.apply(tmp_path)
