"""Identities and slugs in Python, and the same identities in PostgreSQL."""
# ruff: noqa: RUF001 (tests similar letters)

import unicodedata

import asyncpg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.categories.domain import Category
from catalog.identities import category_identity, sku_identity, slug_of
from kit.db import Migrations
from kit.testing.fixtures import database_url, postgres

__all__ = ["database_url", "postgres"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("A+", "a-plus"),
        ("C++", "c-plus-plus"),
        ("C#", "c-sharp"),
        (".NET", "dot-net"),
        ("கி", "கி"),
        ("မြန်မာ", "မြန်မာ"),
        ("ຜ້າ", "ຜ້າ"),
        ("\u1112\u1161\u11ab", "한"),
        ("Kitchen", "kitchen"),
        ("Kitchen & Home", "kitchen-home"),
        ("  Küche -- Öfen ", "kuche-ofen"),
        ("Ångström_2", "angstrom-2"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("厨房", "厨房"),
        ("&!", ""),
    ],
)
def test_a_slug_has_the_words_of_a_name_in_lower_case_without_accents(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@given(st.text(max_size=100))
@example("ŉ ǰ ΐ ᾳ ẞ ﬁ")
def test_the_slug_of_a_slug_is_itself(name: str) -> None:
    slug = slug_of(name)

    assert slug_of(slug) == slug
    assert unicodedata.is_normalized("NFC", slug)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A", "A+"),
        (".NET", "NET"),
        ("C", "C++"),
        ("கா", "கி"),
        ("မာ", "မိ"),
        ("ກາ", "ກິ"),
        ("Bò", "Bơ"),
        ("Чай", "Чаи"),
        ("Café", "Cafe"),
    ],
)
def test_different_names_are_different_categories(one: str, other: str) -> None:
    assert Category.from_name(one).id != Category.from_name(other).id


@pytest.mark.parametrize(
    ("one", "other"), [("Kitchen", "KITCHEN"), ("Café", "Cafe\u0301"), ("Tea  Time", "tea time"), ("Ａ", "a")]
)
def test_case_width_and_spaces_do_not_distinguish_categories(one: str, other: str) -> None:
    assert Category.from_name(one).id == Category.from_name(other).id


@pytest.mark.parametrize(
    "other",
    [
        *("abc-1", "Abc-1", "ＡＢＣ-1", "ábc-1", "abc\u200b-1", "\ufeffabc\u00ad-1"),
        *("abc\u2010\u0031", "abc\u2011\u0031", "abc\u2013\u0031", "abc\u2014\u0031", "abc\u2212\u0031"),
    ],
)
def test_case_width_accents_dashes_and_invisible_characters_do_not_distinguish_skus(other: str) -> None:
    assert sku_identity(other) == sku_identity("ABC-1")


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße1", "STRASSE1"), ("ß1", "ẞ1"), ("ςσ1", "Σσ1"), ("Ab  1", "ab\u00a01"), ("Ab\t1", "ab 1")],
)
def test_letters_that_the_search_folds_do_not_distinguish_skus(one: str, other: str) -> None:
    assert sku_identity(one) == sku_identity(other)


def test_the_position_of_a_hyphen_distinguishes_skus() -> None:
    assert sku_identity("AB-1") != sku_identity("A-B1")


async def test_identities_are_the_same_in_postgresql(database_url: str) -> None:
    texts = ["Abc", "ＡＢＣ", "É\u200b-1", "Straße", "ΣΊΣΥΦΟΣ", "İ", "கி", " a  B ", "한", "ﾊﾟ", "Ёж", "½"]
    texts += ["ẞ-1", "ςσ1", "Ab\u2011\u2013\u22121", "ﬁ-1", "٣"]
    await Migrations("catalog").apply(database_url)
    connection = await asyncpg.connect(database_url)

    for text in texts:
        in_category = await connection.fetchval("SELECT category_identity($1)", text)
        assert in_category == category_identity(text), text
        assert await connection.fetchval("SELECT sku_identity($1)", text) == sku_identity(text), text
    # Names have single plain spaces, SKUs may have others.
    assert (
        await connection.fetchval("SELECT sku_identity($1)", "a\u00a0\u3000b")
        == "a b"
        == sku_identity("a\u00a0\u3000b")
    )
    await connection.close()
