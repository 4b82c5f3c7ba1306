"""Compiled plans give what graphql-core gives: data, errors with paths and locations, and what resolvers receive."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.graphql.metrics import UNUSUAL_VALUES
from kit.graphql.tests.documents import Document, documents
from kit.graphql.tests.executions import Execution, compiled
from kit.graphql.tests.odd_schema import SCHEMA, World

_CORE, _PLANNED = Execution(compiled_plans=False), Execution(compiled_plans=True)
_ODDITIES = st.sampled_from([0.0, 0.02, 0.1])


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents(SCHEMA._schema), st.integers(0, 10**6), _ODDITIES)
async def test_any_document_has_the_result_of_graphql_core(
    document: Document, seed: int, oddity: float
) -> None:
    for number, variables in enumerate(document.variables):
        by_core, by_plan = World(seed + number, oddity), World(seed + number, oddity)
        expected = await _CORE.run(document.text, by_core, dict(variables))
        result = await _PLANNED.run(document.text, by_plan, dict(variables))
        assert result == expected
        # In the same order, with values of the same classes.
        assert repr(result.data) == repr(expected.data)
        assert by_plan.calls == by_core.calls


async def test_the_second_execution_is_compiled() -> None:
    document = '{ node(id: "1") { name twin { count color } children { tags matrix } } }'
    before = compiled()
    first = await _PLANNED.run(document, World(1, 0.0))
    assert compiled() == before
    assert await _PLANNED.run(document, World(1, 0.0)) == first
    assert compiled() == before + 1


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("{ number @include(if: true) }", None),
        ("query A { number } query B { ...F } fragment F on Query { number @skip(if: false) }", "A"),
    ],
)
async def test_directives_are_left_to_graphql_core(document: str, name: str | None) -> None:
    before = compiled()
    for _ in range(3):
        assert (await _PLANNED.run(document, World(1, 0.0), name=name)).data == {"number": 1}
    assert compiled() == before


async def test_without_the_setting_graphql_core_executes_everything() -> None:
    before = compiled()
    for _ in range(3):
        assert (await _CORE.run("{ number }", World(1, 0.0))).data == {"number": 1}
    assert compiled() == before


async def test_values_that_are_not_as_declared_are_counted() -> None:
    world = World(1, 0.0)
    world.root.name = None
    before = UNUSUAL_VALUES._value.get()
    for _ in range(2):
        result = await _PLANNED.run('{ node(id: "1") { name } }', world)
    assert UNUSUAL_VALUES._value.get() > before
    assert result.data == {"node": None}
    assert result.errors[0]["path"] == ["node", "name"]
