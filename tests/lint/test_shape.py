"""How large things may be, and that no modules import each other in a circle."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import pytest

from tests.house.house import SERVICES, in_tests, python
from tests.lint.checkout import ROOT
from tests.lint.shape import Module, cycles, dependencies, function_lengths, imports, parse

MODULE_LINES = 300
FUNCTION_LINES = 8  # the median of a package
AGGREGATE_LINES = 900  # without its tests: what can be read in one sitting
DEPENDENCIES = 5


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    """Every module but tests."""
    parsed = [parse(ROOT, path) for path in python() if not in_tests(path)]
    return {module.name: module for module in parsed}


@pytest.fixture(scope="module")
def all_modules() -> list[Module]:
    """Every module, and every module of tests."""
    return [parse(ROOT, path) for path in python()]


def long_modules(modules: Iterable[Module]) -> dict[str, int]:
    """The lines of each module that has too many."""
    return {module.name: module.lines for module in modules if module.lines > MODULE_LINES}


def package(module: Module) -> str:
    return module.name if module.is_package else module.name.rpartition(".")[0]


def test_modules_are_short(all_modules: list[Module]) -> None:
    assert any(".tests." in module.name for module in all_modules)
    long = long_modules(all_modules)
    assert not long, long


def test_a_module_that_is_too_long_is_found_also_in_tests(tmp_path: Path) -> None:
    texts = {"order/tests/test_long.py": 301, "order/tests/test_fits.py": 300, "order/long.py": 301}
    for name, lines in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n" * lines)
    result = long_modules(parse(tmp_path, tmp_path / name) for name in texts)
    assert result == {"order.tests.test_long": 301, "order.long": 301}


def test_functions_are_short(modules: dict[str, Module]) -> None:
    lengths: dict[str, list[int]] = defaultdict(list)
    for module in modules.values():
        lengths[package(module)] += function_lengths(module)
    medians = {name: median(lines) for name, lines in lengths.items() if lines}
    long = {name: lines for name, lines in medians.items() if lines > FUNCTION_LINES}
    assert not long, long


def test_an_aggregate_is_read_in_one_sitting(modules: dict[str, Module]) -> None:
    lines: dict[str, int] = defaultdict(int)
    for module in modules.values():
        if module.name.split(".")[0] in set(SERVICES) - {"gateway"}:
            lines[package(module)] += module.lines
    long = {name: count for name, count in lines.items() if count > AGGREGATE_LINES}
    assert not long, long


def test_a_class_has_few_dependencies(modules: dict[str, Module]) -> None:
    many = {
        f"{module.name}.{name}": parameters
        for module in modules.values()
        for name, parameters in dependencies(module)
        if len(parameters) > DEPENDENCIES
    }
    assert not many, many


def test_no_modules_import_each_other(modules: dict[str, Module]) -> None:
    paths = [" -> ".join(path) for path in cycles(imports(modules))]
    assert not paths, "\n" + "\n".join(paths)


def test_a_cycle_is_found_with_its_path() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == [["a", "b", "c", "a"]]
