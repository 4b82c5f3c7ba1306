"""Relevance of search results: nDCG@10 of judged queries over a fixed catalogue, with a floor for each set of queries.

One set has 100 typical queries of shoppers, the other alternative spellings, scripts, compounds, signs and SKUs.
The judgements were made by reading the catalogue, not the search results. A change of ranking that lowers the score fails;
one that raises it may raise the floor.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from catalog.tests.indexed import Index, elasticsearch, index, redis

__all__ = ["elasticsearch", "index", "redis"]

FLOORS = {"relevance_queries.txt": 0.975, "relevance_spellings.txt": 0.95}
# The floor for each single query.
QUERY_FLOOR = 0.5
_HERE = Path(__file__).parent
_FIRST = 10


def lines(name: str) -> list[list[str]]:
    text = (_HERE / name).read_text().splitlines()
    return [[part.strip() for part in line.split("|")] for line in text if line and not line.startswith("#")]


def judged(name: str) -> dict[str, dict[str, int]]:
    judgements = {query: [grade.split(":") for grade in grades.split()] for query, grades in lines(name)}
    return {query: {key: int(grade) for key, grade in grades} for query, grades in judgements.items()}


def gain(grades: Sequence[int]) -> float:
    """The discounted cumulative gain of the first ten."""
    return sum((2.0**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades[:_FIRST]))


def score(results: Sequence[str], grades: Mapping[str, int]) -> float:
    """nDCG@10: 1 if the best results are first, 0 if none of them is among the first ten."""
    return gain([grades.get(key, 0) for key in results]) / gain(sorted(grades.values(), reverse=True))


@pytest.fixture
async def names(index: Index) -> dict[str, str]:
    """Indexes the catalogue; returns the keys by product id."""
    products = {
        key: index.product(name, description, category=category, sku=sku)
        for key, name, category, sku, description in lines("relevance_catalogue.txt")
    }
    await index.write(*products.values())
    return {str(product.id): key for key, product in products.items()}


@pytest.mark.parametrize(
    ("judgements", "count"), [("relevance_queries.txt", 100), ("relevance_spellings.txt", 64)]
)
async def test_relevance_is_above_its_floor(
    index: Index, names: Mapping[str, str], judgements: str, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    queries = judged(judgements)
    assert len(queries) == count
    scores = {}
    for query, grades in queries.items():
        assert grades.keys() <= set(names.values()), f"{query}: a judged product is not in the catalogue"
        hits = (await index.search(query, size=_FIRST)).hits
        results = [names[str(product.id)] for product, _ in hits]
        scores[query] = score(results, grades)
    mean = sum(scores.values()) / len(scores)
    worst = sorted(scores, key=scores.__getitem__)[:5]
    with capsys.disabled():
        print(f"\nnDCG@10 over {len(scores)} queries: {mean:.3f}; the worst:")
        for query in worst:
            print(f"  {scores[query]:.2f} {query}")
    assert mean >= FLOORS[judgements]
    assert scores[worst[0]] >= QUERY_FLOOR


@pytest.mark.parametrize(
    ("results", "expected"),
    [("ab", 1.0), ("ba", 0.710), ("xab", 0.644), ("x", 0.0), ("", 0.0)],
)
def test_the_score_is_high_if_the_best_results_are_first(results: str, expected: float) -> None:
    assert score(results, {"a": 3, "b": 1}) == pytest.approx(expected, abs=0.001)
