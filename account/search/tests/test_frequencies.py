"""Which words of a query use the index."""

import pytest

from account.search.frequencies import WordFrequencies
from account.search.query import read_query

COMMON = WordFrequencies(1000, {"ada": 0.02, "com": 1.0, "company": 0.001, "example": 0.9, "user": 1.0})


def selective(text: str) -> list[list[list[str]]]:
    query = read_query(text)
    assert query is not None
    return [[list(words) for words in group] for group in COMMON.selective(query)]


def test_common_words_are_left_out() -> None:
    assert selective("ada example") == [[["ada"]]]
    assert selective("co smith") == [[["smith"]]]


def test_an_address_is_found_by_its_rare_words() -> None:
    assert selective("user.50000@example.com") == [[["50000"], ["user50000examplecom"]]]


def test_a_group_with_an_alternative_of_common_words_selects_nothing() -> None:
    assert selective("example.com") == []
    assert selective("user@example zoe") == [[["zoe"]]]


def test_short_words_are_left_out_beside_longer_ones() -> None:
    assert selective("+4420 00000517") == [[["442000000517"], ["00000517"]]]
    assert selective("smith 44") == [[["smith"]], [["44"]]]


@pytest.mark.parametrize(
    ("text", "matches"), [("ada", 20), ("example.com", 900), ("ada example", 20), ("zoe", 0), ("zoe com", 0)]
)
def test_matches_are_estimated_by_the_rarest_group(text: str, matches: float) -> None:
    query = read_query(text)
    assert query is not None
    assert COMMON.matches(query) == pytest.approx(matches)


def test_nothing_is_common_without_statistics() -> None:
    query = read_query("ada example")
    assert query is not None
    assert WordFrequencies().selective(query) == query
    assert WordFrequencies().matches(query) == 0
