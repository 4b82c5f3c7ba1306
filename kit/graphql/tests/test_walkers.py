"""All code that walks a document takes time linear in its size, however its fragments are nested."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    parse,
    specified_rules,
    validate,
)
from graphql import build_schema as parsed
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kit.graphql.cost import CostAnalysis
from kit.graphql.merging import FieldsMerge, require_no_abstract_types
from kit.graphql.selection import selected
from kit.graphql.sizes import DocumentSizes
from kit.graphql.tests import library
from kit.graphql.tests.options import OPTIONS

SCHEMA: Final = library.SCHEMA._schema
MAX_SECONDS: Final = 0.05

# Per type: a root field that returns it, and selections on it.
ROOTS = {
    "Member": "{ me { ...f0 } }",
    "TitleConnection": "{ titles { ...f0 } }",
    "Query": "{ ...f0 }",
    "__Schema": "{ __schema { ...f0 } }",
}
PLAIN = {
    "Member": ["id", "name", "a: name", "b: email", "role"],
    "TitleConnection": ["totalCount", "pageInfo { endCursor }", "nodes { id }", "facets { name }"],
    "Query": ["__typename", "categories { slug }", "a: categories { id }"],
    "__Schema": ["queryType { name }", "types { name }", "types { fields { name } }"],
}


@st.composite
def documents(draw: st.DrawFn, *, cyclic: bool, schema: bool) -> str:
    """One operation and fragments that spread each other many times; every fragment is used."""
    kind = draw(st.sampled_from(sorted(ROOTS if schema else ROOTS.keys() - {"__Schema"})))
    levels = draw(st.sampled_from([1, 5, 30, 40, 90]))
    spreads = draw(st.integers(1, 3 if levels < 60 else 2))
    parts = []
    for level in range(levels):
        chosen = draw(st.lists(st.sampled_from(PLAIN[kind]), max_size=2))
        below = [f"...f{level + 1}"] * spreads
        if draw(st.booleans()):
            below[0] = f"... on {kind} {{ {below[0]} }}"
        if cyclic and draw(st.booleans()):
            below.append(f"...f{draw(st.integers(0, level))}")
        parts.append(f"fragment f{level} on {kind} {{ {' '.join([*chosen, *below])} }}")
    wide = draw(st.integers(0, 20))
    spread = " ".join(f"...w{number}" for number in range(wide))
    parts.append(f"fragment f{levels} on {kind} {{ {PLAIN[kind][0]} {spread} }}")
    parts += [f"fragment w{number} on {kind} {{ {PLAIN[kind][-1]} }}" for number in range(wide)]
    return ROOTS[kind] + " " + " ".join(parts)


NESTED: Final = (
    "{ titles { ...f0 } } "
    + " ".join(f"fragment f{n} on TitleConnection {{ ...f{n + 1} ...f{n + 1} }}" for n in range(40))
    + " fragment f40 on TitleConnection { nodes { id } }"
)


def seconds(work: Callable[[], object]) -> float:
    """CPU time of this thread, the best of three: garbage collection may run."""
    times = []
    for _ in range(3):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
        if times[-1] < MAX_SECONDS:
            break
    return min(times)


def operation(document: DocumentNode) -> OperationDefinitionNode:
    [node] = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return node


def computes_cost(document: DocumentNode) -> object:
    return CostAnalysis(SCHEMA, document, library.COSTS).cost(operation(document))


def selects(document: DocumentNode) -> object:
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    nodes = [node for node in operation(document).selection_set.selections if isinstance(node, FieldNode)]
    # No document selects the first path, so everything is searched.
    return [selected(nodes, path, fragments) for path in (("nothing",), ("edges", "highlight"), ("facets",))]


def measures(document: DocumentNode) -> object:
    return DocumentSizes(document, 1000).largest()


def merges(document: DocumentNode) -> object:
    return validate(SCHEMA, document, [FieldsMerge])


def validates(document: DocumentNode) -> object:
    return validate(
        SCHEMA, document, [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]
    )


WALKERS = [measures, computes_cost, selects, merges, validates]


@pytest.mark.parametrize("walker", WALKERS)
@given(text=documents(cyclic=False, schema=False))
@example(text=NESTED)
@settings(max_examples=25, deadline=None)
def test_every_walker_is_linear(walker: Callable[[DocumentNode], object], text: str) -> None:
    document = parse(text)
    assert seconds(lambda: walker(document)) < MAX_SECONDS


@pytest.mark.parametrize("walker", [measures, merges])
@given(text=documents(cyclic=True, schema=True))
@settings(max_examples=25, deadline=None)
def test_walkers_before_validation_stand_cyclic(walker: Callable[[DocumentNode], object], text: str) -> None:
    document = parse(text)
    assert seconds(lambda: walker(document)) < MAX_SECONDS


def plan(text: str, variables: dict[str, Any] | None = None) -> Any:
    # A new planner each time: a cached document costs nothing.
    return library.Planner(replace(OPTIONS, introspection=True)).plan(text, variables)


@given(text=documents(cyclic=True, schema=True))
@example(text=NESTED)
@settings(max_examples=40, deadline=None)
def test_a_document_is_planned_or_rejected_quickly(text: str) -> None:
    assert seconds(lambda: plan(text)) < MAX_SECONDS


LARGE = {
    "the same field": "{ me {" + " id" * 290 + " } }",
    "the same objects": "{" + " me { loans { nodes { id } } }" * 70 + " }",
    "the same lists of different lengths": "{" + " me { loans(first: 10) { nodes { id } } }" * 70 + " }",
    "wide fragments": "{ me {"
    + "".join(f" ...f{n}" for n in range(99))
    + " } }"
    + "".join(f" fragment f{n} on Member {{ id name }}" for n in range(99)),
    "each fragment in each": "{ me {"
    + "".join(f" ...f{n}" for n in range(30))
    + " } }"
    + "".join(
        f" fragment f{n} on Member {{ loans {{ nodes {{ id }} }} "
        + " ".join(f"...f{m}" for m in range(n + 1, min(30, n + 6)))
        + " }"
        for n in range(30)
    ),
    "operations with fragments": "".join(f" query q{n} {{ me {{ ...f0 }} }}" for n in range(49))
    + "".join(f" fragment f{n} on Member {{ ...f{n + 1} ...f{n + 1} }}" for n in range(49))
    + " fragment f49 on Member { id }",
    "lists of lists": "query($a: " + "[" * 90 + "Int" + "]" * 90 + ") { titles(first: $a) { nodes { id } } }",
    "variables": "query("
    + " ".join(f"$v{n}: Int" for n in range(150))
    + ") {"
    + " ".join(f"a{n}: titles(first: $v{n}) {{ nodes {{ id }} }}" for n in range(30))
    + " }",
    "doubled objects": "{ me { ...f0 } }"
    + "".join(
        f" fragment f{n} on Member {{ loans {{ nodes {{ member {{ ...f{n + 1} }} }} }}"
        f" x: loans {{ nodes {{ member {{ ...f{n + 1} }} }} }} }}"
        for n in range(12)
    )
    + " fragment f12 on Member { id }",
}


@pytest.mark.parametrize("name", LARGE)
def test_the_largest_allowed_documents_are_planned_quickly(name: str) -> None:
    assert seconds(lambda: plan(LARGE[name], {"a": [[1] * 500] * 2})) < 3 * MAX_SECONDS


@pytest.mark.parametrize(
    "text",
    [
        "{a" * 900 + "}" * 900,
        "{ me " + "{ ... on Member " * 150 + "{ id }" + "}" * 150 + "}",
        '{ title(id: "' + "[" * 900 + '") { id } }',
        "{ title(id: " + "[" * 900 + "1" + "]" * 900 + ") { id } }",
        "query($a: " + "[" * 900 + "Int" + "]" * 900 + ") { me { id } }",
        "{ ...f0 }"
        + "".join(f" fragment f{n} on Query {{ {'... { ' * 8} ...f{n + 1} {'} ' * 8} }}" for n in range(60))
        + " fragment f60 on Query { __typename }",
    ],
)
def test_a_document_that_is_nested_too_deeply_is_rejected(text: str) -> None:
    planned = plan(text)
    if planned.rejection is None:
        assert text.startswith('{ title(id: "')
        return
    assert {error["extensions"]["code"] for error in planned.rejection.errors} <= {
        "QUERY_TOO_COMPLEX",
        "GRAPHQL_VALIDATION_FAILED",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (NESTED, "TOO_MANY_SELECTIONS"),
        (
            "{ me { id } }" + " ".join(f"fragment f{n} on Query {{ a }}" for n in range(100)),
            "TOO_MANY_DEFINITIONS",
        ),
        ("{ " + "...f " * 201 + "} fragment f on Query { __typename }", "TOO_MANY_SPREADS"),
    ],
)
def test_each_limit_on_fragments_has_its_reason(text: str, reason: str) -> None:
    assert plan(text).rejection.errors[0]["extensions"]["reason"] == reason


FIELDS = st.sampled_from(
    [
        "id",
        "a: id",
        "a: name",
        "name",
        "a: email",
        "x: loans(first: 1) { ... }",
        "x: loans { ... }",
        "loans { ... }",
    ]
)


@st.composite
def selections(draw: st.DrawFn) -> str:
    """Selections on a member that may or may not merge, with fragments f and g."""
    chosen = draw(
        st.lists(
            st.one_of(FIELDS, st.sampled_from(["...f", "...g", "... { id a: name }"])), min_size=1, max_size=6
        )
    )
    below = draw(
        st.sampled_from(
            ["nodes { id }", "nodes { id: status }", "b: nodes { id: version }", "b: nodes { id }"]
        )
    )
    return " ".join(field.replace("{ ... }", f"{{ {below} }}") for field in chosen)


@given(selections(), st.lists(FIELDS, min_size=1, max_size=3), st.lists(FIELDS, min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_fields_merge_exactly_where_graphql_core_says_so(chosen: str, f: list[str], g: list[str]) -> None:
    text = (
        f"{{ me {{ {chosen} ...f ...g }} }} fragment f on Member {{ {' '.join(f)} }} "
        f"fragment g on Member {{ {' '.join(g)} }}"
    ).replace("{ ... }", "{ nodes { id } }")
    document = parse(text)
    ours = bool(validate(SCHEMA, document, [FieldsMerge]))
    assert ours == bool(validate(SCHEMA, document, [OverlappingFieldsCanBeMergedRule]))


def test_a_schema_with_interfaces_is_rejected() -> None:
    with pytest.raises(TypeError, match="Node"):
        require_no_abstract_types(parsed("interface Node { id: ID } type Query implements Node { id: ID }"))
