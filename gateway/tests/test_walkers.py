"""Whatever walks a document takes time in proportion to it, however its fragments are nested."""

import time
from collections.abc import Callable
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

from gateway.context import selected
from gateway.cost import Pricing
from gateway.execution import Executor
from gateway.limits import Limits
from gateway.merging import FieldsMerge, check_merges
from gateway.schema import build_schema
from gateway.settings import Settings
from gateway.sizes import Sizes
from kit.settings import load

WHOLE: Final = build_schema()
SCHEMA: Final = WHOLE._schema
SETTINGS: Final = load(Settings, {"PROFILE": "development"})
MOST_SECONDS: Final = 0.05

# What can be selected of each type: plain fields, and a way to come back to the same type.
ROOTS = {
    "Account": "{ me { ...f0 } }",
    "ProductConnection": "{ products { ...f0 } }",
    "Query": "{ ...f0 }",
    "__Schema": "{ __schema { ...f0 } }",
}
PLAIN = {
    "Account": ["id", "name", "a: name", "b: email", "role"],
    "ProductConnection": ["totalCount", "pageInfo { endCursor }", "nodes { id }", "facets { name }"],
    "Query": ["__typename", "categories { slug }", "a: categories { id }"],
    "__Schema": ["queryType { name }", "types { name }", "types { fields { name } }"],
}


@st.composite
def documents(draw: st.DrawFn, *, circles: bool, schema: bool) -> str:
    """One operation and fragments that spread each other, many times each; every fragment is used."""
    kind = draw(st.sampled_from(sorted(ROOTS if schema else ROOTS.keys() - {"__Schema"})))
    levels = draw(st.sampled_from([1, 5, 30, 40, 90]))
    spreads = draw(st.integers(1, 3 if levels < 60 else 2))
    made = []
    for level in range(levels):
        chosen = draw(st.lists(st.sampled_from(PLAIN[kind]), max_size=2))
        below = [f"...f{level + 1}"] * spreads
        if draw(st.booleans()):
            below[0] = f"... on {kind} {{ {below[0]} }}"
        if circles and draw(st.booleans()):
            below.append(f"...f{draw(st.integers(0, level))}")
        made.append(f"fragment f{level} on {kind} {{ {' '.join([*chosen, *below])} }}")
    wide = draw(st.integers(0, 20))
    spread = " ".join(f"...w{number}" for number in range(wide))
    made.append(f"fragment f{levels} on {kind} {{ {PLAIN[kind][0]} {spread} }}")
    made += [f"fragment w{number} on {kind} {{ {PLAIN[kind][-1]} }}" for number in range(wide)]
    return ROOTS[kind] + " " + " ".join(made)


NESTED: Final = (
    "{ products { ...f0 } } "
    + " ".join(f"fragment f{n} on ProductConnection {{ ...f{n + 1} ...f{n + 1} }}" for n in range(40))
    + " fragment f40 on ProductConnection { nodes { id } }"
)


def seconds(work: Callable[[], object]) -> float:
    """CPU time of this thread: the best of three, since the collector may come by."""
    took = []
    for _ in range(3):
        began = time.thread_time()
        work()
        took.append(time.thread_time() - began)
        if took[-1] < MOST_SECONDS:
            break
    return min(took)


def operation(document: DocumentNode) -> OperationDefinitionNode:
    [found] = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return found


def prices(document: DocumentNode) -> object:
    return Pricing(SCHEMA, document).price(operation(document))


def selects(document: DocumentNode) -> object:
    fragments = {
        each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
    }
    nodes = [each for each in operation(document).selection_set.selections if isinstance(each, FieldNode)]
    # The first is found nowhere, so that all is looked through.
    return [selected(nodes, path, fragments) for path in (("nothing",), ("edges", "highlight"), ("facets",))]


def counts(document: DocumentNode) -> object:
    return Sizes(document, 1000).largest()


def merges(document: DocumentNode) -> object:
    return validate(SCHEMA, document, [FieldsMerge])


def all_else(document: DocumentNode) -> object:
    return validate(
        SCHEMA, document, [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]
    )


WALKERS = [counts, prices, selects, merges, all_else]


@pytest.mark.parametrize("walker", WALKERS)
@given(text=documents(circles=False, schema=False))
@example(text=NESTED)
@settings(max_examples=25, deadline=None)
def test_every_walker_is_linear(walker: Callable[[DocumentNode], object], text: str) -> None:
    document = parse(text)
    assert seconds(lambda: walker(document)) < MOST_SECONDS


@pytest.mark.parametrize("walker", [counts, merges])
@given(text=documents(circles=True, schema=True))
@settings(max_examples=25, deadline=None)
def test_walkers_before_validation_stand_circles(walker: Callable[[DocumentNode], object], text: str) -> None:
    document = parse(text)
    assert seconds(lambda: walker(document)) < MOST_SECONDS


def plan(text: str, variables: dict[str, Any] | None = None) -> Any:
    # An executor of its own each time: what it remembers costs nothing.
    executor = Executor(WHOLE, Limits.of(SETTINGS), introspection=True, suggestions=False)
    return executor.plan(text, variables, None)


@given(text=documents(circles=True, schema=True))
@example(text=NESTED)
@settings(max_examples=40, deadline=None)
def test_a_document_is_answered_or_refused_in_no_time(text: str) -> None:
    assert seconds(lambda: plan(text)) < MOST_SECONDS


LARGE = {
    "the same field": "{ me {" + " id" * 290 + " } }",
    "the same objects": "{" + " me { orders { nodes { id } } }" * 70 + " }",
    "the same lists of different lengths": "{" + " me { orders(first: 10) { nodes { id } } }" * 70 + " }",
    "wide fragments": "{ me {"
    + "".join(f" ...f{n}" for n in range(99))
    + " } }"
    + "".join(f" fragment f{n} on Account {{ id name }}" for n in range(99)),
    "each fragment in each": "{ me {"
    + "".join(f" ...f{n}" for n in range(30))
    + " } }"
    + "".join(
        f" fragment f{n} on Account {{ orders {{ nodes {{ id }} }} "
        + " ".join(f"...f{m}" for m in range(n + 1, min(30, n + 6)))
        + " }"
        for n in range(30)
    ),
    "operations with fragments": "".join(f" query q{n} {{ me {{ ...f0 }} }}" for n in range(49))
    + "".join(f" fragment f{n} on Account {{ ...f{n + 1} ...f{n + 1} }}" for n in range(49))
    + " fragment f49 on Account { id }",
    "lists of lists": "query($a: "
    + "[" * 90
    + "Int"
    + "]" * 90
    + ") { products(first: $a) { nodes { id } } }",
    "variables": "query("
    + " ".join(f"$v{n}: Int" for n in range(150))
    + ") {"
    + " ".join(f"a{n}: products(first: $v{n}) {{ nodes {{ id }} }}" for n in range(30))
    + " }",
    "doubled objects": "{ me { ...f0 } }"
    + "".join(
        f" fragment f{n} on Account {{ orders {{ nodes {{ account {{ ...f{n + 1} }} }} }}"
        f" x: orders {{ nodes {{ account {{ ...f{n + 1} }} }} }} }}"
        for n in range(12)
    )
    + " fragment f12 on Account { id }",
}


@pytest.mark.parametrize("name", LARGE)
def test_a_document_as_large_as_it_may_be_is_planned_in_a_moment(name: str) -> None:
    assert seconds(lambda: plan(LARGE[name], {"a": [[1] * 500] * 2})) < 3 * MOST_SECONDS


@pytest.mark.parametrize(
    "text",
    [
        "{a" * 900 + "}" * 900,
        "{ me " + "{ ... on Account " * 150 + "{ id }" + "}" * 150 + "}",
        '{ product(id: "' + "[" * 900 + '") { id } }',
        "{ product(id: " + "[" * 900 + "1" + "]" * 900 + ") { id } }",
        "query($a: " + "[" * 900 + "Int" + "]" * 900 + ") { me { id } }",
        "{ ...f0 }"
        + "".join(f" fragment f{n} on Query {{ {'... { ' * 8} ...f{n + 1} {'} ' * 8} }}" for n in range(60))
        + " fragment f60 on Query { __typename }",
    ],
)
def test_what_is_nested_too_deeply_is_refused(text: str) -> None:
    answer = plan(text)
    if answer.refused is None:
        assert text.startswith('{ product(id: "')
        return
    assert {error["extensions"]["code"] for error in answer.refused.errors} <= {
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
def test_each_limit_of_fragments_has_a_reason(text: str, reason: str) -> None:
    assert plan(text).refused.errors[0]["extensions"]["reason"] == reason


FIELDS = st.sampled_from(
    [
        "id",
        "a: id",
        "a: name",
        "name",
        "a: email",
        "x: orders(first: 1) { ... }",
        "x: orders { ... }",
        "orders { ... }",
    ]
)


@st.composite
def selections(draw: st.DrawFn) -> str:
    """What may or may not be merged: of an account, with fragments f and g."""
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
    return " ".join(each.replace("{ ... }", f"{{ {below} }}") for each in chosen)


@given(selections(), st.lists(FIELDS, min_size=1, max_size=3), st.lists(FIELDS, min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_fields_merge_exactly_where_graphql_core_says_so(chosen: str, f: list[str], g: list[str]) -> None:
    text = (
        f"{{ me {{ {chosen} ...f ...g }} }} fragment f on Account {{ {' '.join(f)} }} "
        f"fragment g on Account {{ {' '.join(g)} }}"
    ).replace("{ ... }", "{ nodes { id } }")
    document = parse(text)
    ours = bool(validate(SCHEMA, document, [FieldsMerge]))
    assert ours == bool(validate(SCHEMA, document, [OverlappingFieldsCanBeMergedRule]))


def test_a_schema_with_interfaces_would_be_refused() -> None:
    with pytest.raises(TypeError, match="Node"):
        check_merges(parsed("interface Node { id: ID } type Query implements Node { id: ID }"))
