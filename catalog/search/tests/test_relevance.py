"""Whether people find what they mean: judged queries over a fixed catalogue, as nDCG@10, each set with a floor of its own.

100 are what people type into a shop; the other set has other spellings, scripts and compounds, signs and SKUs.
The judgements were made by reading the catalogue, not the search's answers. A change of ranking that lowers the score fails here;
one that raises it may raise the floor.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from catalog.tests.indexed import Index, elasticsearch, index, redis

__all__ = ["elasticsearch", "index", "redis"]

FLOORS = {"relevance_queries.txt": 0.975, "relevance_spellings.txt": 0.95}
# Of each query by itself.
LEAST = 0.5
_HERE = Path(__file__).parent
_BEST = 10


def lines(name: str) -> list[list[str]]:
    text = (_HERE / name).read_text().splitlines()
    return [[part.strip() for part in line.split("|")] for line in text if line and not line.startswith("#")]


def judged(name: str) -> dict[str, dict[str, int]]:
    judgements = {query: [each.split(":") for each in given.split()] for query, given in lines(name)}
    return {query: {key: int(grade) for key, grade in given} for query, given in judgements.items()}


def gain(grades: Sequence[int]) -> float:
    """The discounted cumulative gain of the best ten."""
    return sum((2.0**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades[:_BEST]))


def score(found: Sequence[str], grades: Mapping[str, int]) -> float:
    """nDCG@10: 1 when the best come first, 0 when none of them comes."""
    return gain([grades.get(key, 0) for key in found]) / gain(sorted(grades.values(), reverse=True))


@pytest.fixture
async def names(index: Index) -> dict[str, str]:
    """The catalogue, indexed: product ids by key."""
    made = {
        key: index.product(name, description, category=category, sku=sku)
        for key, name, category, sku, description in lines("relevance_catalogue.txt")
    }
    await index.write(*made.values())
    return {str(product.id): key for key, product in made.items()}


@pytest.mark.parametrize(
    ("judgements", "count"), [("relevance_queries.txt", 100), ("relevance_spellings.txt", 64)]
)
async def test_people_find_what_they_mean(
    index: Index, names: Mapping[str, str], judgements: str, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    queries = judged(judgements)
    assert len(queries) == count
    scores = {}
    for query, grades in queries.items():
        assert grades.keys() <= set(names.values()), f"{query}: judged is what is not in the catalogue"
        hits = (await index.search(query, size=_BEST)).hits
        found = [names[str(product.id)] for product, _ in hits]
        scores[query] = score(found, grades)
    mean = sum(scores.values()) / len(scores)
    worst = sorted(scores, key=scores.__getitem__)[:5]
    with capsys.disabled():
        print(f"\nnDCG@10 over {len(scores)} queries: {mean:.3f}; the worst:")
        for query in worst:
            print(f"  {scores[query]:.2f} {query}")
    assert mean >= FLOORS[judgements]
    assert scores[worst[0]] >= LEAST


@pytest.mark.parametrize(
    ("found", "expected"),
    [("ab", 1.0), ("ba", 0.710), ("xab", 0.644), ("x", 0.0), ("", 0.0)],
)
def test_the_score_is_high_when_the_best_come_first(found: str, expected: float) -> None:
    assert score(found, {"a": 3, "b": 1}) == pytest.approx(expected, abs=0.001)
