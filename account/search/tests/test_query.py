"""Which accounts a query finds: everything that is displayed of an account can be searched for."""

import pytest

from account.accounts.words import words_of
from account.search.query import matches, read_query

PHONE = "+41441234567"


def finds(query: str, *, name: str = "", email: str = "", phone: str = "") -> bool:
    parsed = read_query(query)
    return parsed is not None and matches(parsed, words_of(name, email, phone))


@pytest.mark.parametrize(
    "query",
    [
        "+41441234567",
        "+41 44 123 45 67",
        "0041 44 123 45 67",
        "0041441234567",
        "+41 (0)44 123 45 67",
        "044 123 45 67",
        "044/123 45 67",
        "(044) 123-45-67",
        "044.123.45.67",
        "44 123 45 67",
        "123 45 67",
        "45 67",
        "044 123",
        "41441",
        "\uff10\uff14\uff14 123 45 67",
        "\u0660\u0664\u0664 \u0661\u0662\u0663 \u0664\u0665 \u0666\u0667",
    ],
)
def test_a_telephone_number_is_found_in_any_common_notation(query: str) -> None:
    assert finds(query, phone=PHONE)
    assert finds(f"{query} doe" if len(query) > 11 else query, name="John Doe", phone=PHONE)
    assert not finds(query, name="John Doe", email="john@example.com", phone="+15550100")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Munoz", "Mar\u00eda Mu\u00f1oz"),
        ("MU\u00d1OZ", "Maria Munoz"),
        ("mun\u0303oz", "Mu\u00f1oz"),
        ("Muller", "Zo\u00eb M\u00fcller"),
        ("strasse", "An der Stra\u00dfe"),
        ("Soren", "S\u00f8ren"),
        ("Lodz", "\u0141\u00f3d\u017a"),
        ("Nguyen Anh", "Nguy\u1ec5n Th\u1ecb \u00c1nh"),
        ("\u0391\u0398\u0397\u039d\u0391", "\u0391\u03b8\u03ae\u03bd\u03b1"),
        ("\u0444\u0435\u0434\u043e\u0440", "\u0424\u0451\u0434\u043e\u0440"),
        ("\u0639\u0644\u0649", "\u0639\u0644\u06cc"),
        ("\u0639\u0644\u064a", "\u0639\u0644\u06cc"),
        ("\u0643\u0631\u064a\u0645", "\u06a9\u0631\u06cc\u0645"),
        ("\u0641\u0627\u0637\u0645\u0647", "\u0641\u0627\u0637\u0645\u0629"),
        ("\u30ac", "\u304c"),
        ("\uff76\uff9e", "\u304c"),
        ("\u3055\u304f\u3089", "\u30b5\u30af\u30e9"),
        ("J.R.R.", "J.R.R. Tolkien"),
        ("jrr tolkien", "J.R.R. Tolkien"),
        ("J. R. R. Tolkien", "J.R.R. Tolkien"),
        ("A/S", "Nordic A/S"),
        ("a/s nordic", "Nordic A/S"),
        ("AC/DC", "AC/DC"),
        ("acdc", "AC/DC"),
        ("O'Neill", "John O'Neill-Smith"),
        ("ONeill", "John O'Neill-Smith"),
        ("O\u2019Neill", "Shaquille ONeill"),
        ("neill smith", "John O'Neill-Smith"),
        ("3M", "3M Switzerland"),
        ("4u2", "Shop4U2 4U2"),
        ("2 pac", "2Pac 2 Pac"),
        ("johndoe", "John Doe"),
        (
            "\u092a\u094d\u0930\u093f\u092f\u093e",
            "\u092a\u094d\u0930\u093f\u092f\u093e \u0936\u0930\u094d\u092e\u093e",
        ),
        ("\u0936\u0930\u094d\u092e", "\u092a\u094d\u0930\u093f\u092f\u093e \u0936\u0930\u094d\u092e\u093e"),
        ("\u0e2a\u0e21\u0e0a\u0e32\u0e22", "\u0e2a\u0e21\u0e0a\u0e32\u0e22 \u0e43\u0e08\u0e14\u0e35"),
        ("\u0e43\u0e08\u0e14\u0e35", "\u0e2a\u0e21\u0e0a\u0e32\u0e22\u0e43\u0e08\u0e14\u0e35"),
        ("\u592a\u90ce", "\u5c71\u7530\u592a\u90ce"),
        ("\u5c71\u7530\u592a\u90ce", "\u5c71\u7530 \u592a\u90ce"),
        ("\uff8a\uff85\uff7a", "\u30cf\u30ca\u30b3"),
        ("\u0645\u062d\u0645\u062f", "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f"),
        ("\u0639\u0644\u06cc\u0631\u0636\u0627", "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"),
        ("\uae40\ubbfc", "\uae40\ubbfc\uc218"),
    ],
)
def test_a_name_is_found_without_its_accents_case_and_punctuation(query: str, name: str) -> None:
    assert finds(query, name=name)
    assert not finds(query, name="Another Person", email="x@example.com", phone=PHONE)


@pytest.mark.parametrize(
    "query",
    ["john_smith+shop@mail.example", "john_smith", "smith", "mail.example", "JOHN_SMITH+SHOP", "shop@"],
)
def test_an_email_address_is_found_whole_and_by_its_parts(query: str) -> None:
    assert finds(query, name="Jane", email="john_smith+shop@mail.example")


@pytest.mark.parametrize(
    ("query", "name"),
    [("oe", "Zo\u00eb Joe"), ("smith jane", "John Smith"), ("\u0930", "\u092a\u094d\u0930")],
)
def test_every_word_of_a_query_must_match_the_beginning_of_a_word(query: str, name: str) -> None:
    assert not finds(query, name=name)


@pytest.mark.parametrize(
    "query", ["-", "%", "_", "*", "'", "' & | ! :* ( \\", "\u2665", "\U0001f984", "\u20ac", "...", "+"]
)
def test_a_query_without_letters_and_digits_finds_nothing(query: str) -> None:
    assert read_query(query) is None


def test_words_contain_only_letters_and_digits() -> None:
    words = words_of("O'Ne\\ill & 'x':* | \u2665", "a.b+c@d.example", PHONE)
    assert all(word.isalnum() for word in words)
    assert "" not in words
