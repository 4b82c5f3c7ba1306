"""Which names people, products and categories may have: every script as it is written, and nothing that hides or turns around."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgument
from kit.values import FieldReader
from kit.values.names import find_hidden_character

PARTS = [
    *"aZ1. ",
    *"\u00a0\u0301\u00e9\u0639\u06cc\u0915\u094d\u1820\u845b\u2764\u2028\u202e",
    *"\u200b\u200c\u200d\ufe0f\u180b\U000e0100\U0001f469\U0001f3f4",
]


def read(name: str, *, person: bool = True) -> str:
    reading = FieldReader()
    cleaned = reading.name(name, "name", max_length=200, person=person)
    reading.raise_if_invalid()
    return cleaned


def rejection(name: str, *, person: bool = True) -> str:
    with pytest.raises(InvalidArgument) as caught:
        read(name, person=person)
    [violation] = caught.value.fields
    assert violation.path == ("name",)
    return violation.message


@pytest.mark.parametrize(
    "name",
    [
        "Zoë Müller",
        "John O'Neill-Smith, Jr.",
        "J.R.R. Tolkien",
        "M.S.Dhoni",
        "St. John",
        "St.John",
        "Dr.rer.nat. Anna Muster",
        "Anna Muster, Ph.D.",
        "3M",
        "X Æ A-12",
        "محمد \u0627لأحمد",
        "مُحَمَّد",
        "علي\u200cرض\u0627",
        "می\u200cخو\u0627\u0647م",
        "\u0647\u200d",
        "חַיִּים",
        "ශ්\u200dරී ලංකා",
        "क्\u200dष",
        "क्\u200cष",
        "র\u200d্যাচেল",
        "ರ\u200d್ಕ",
        "ന്\u200d",
        "தமிழ்ச்செல்வி",
        "க்\u200cஷ",
        "အောင်ဆန်းစုကြည်",
        "ສົມສັກ",
        "สมชาย ใจดี",
        "សុខ សាន្ត",
        "ᠮᠣᠩᠭᠣᠯ ᠬᠡᠯ\u180e\u1820",
        "ᠠ\u180b",
        "葛\U000e0100城",
        "山田 太郎",
        "김민수",
        "Nguyễn Thị Ánh",
        "👩\u200d💻 Ada",
        "👩🏽\u200d⚕\ufe0f",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3",
        "↔\ufe0f",
        "‼\ufe0f",
        "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
        "\U0001f1e8\U0001f1ed",
        "™",
        "🫨",
        "\u06dd",
        "\u0600\u0661",
        "...",
    ],
)
def test_names_are_taken_as_their_scripts_write_them(name: str) -> None:
    assert read(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("name", "character"),
    [
        ("John\u202eDoe", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("John\u2028Doe", "U+2028 LINE SEPARATOR"),
        ("John\u2028", "U+2028 LINE SEPARATOR"),
        ("\u2029", "U+2029 PARAGRAPH SEPARATOR"),
        ("\u3164", "U+3164 HANGUL FILLER"),
        ("\u115f\u1160", "U+115F HANGUL CHOSEONG FILLER"),
        ("\uffa0", "U+FFA0 HALFWIDTH HANGUL FILLER"),
        ("\u2800\u2800", "U+2800 BRAILLE PATTERN BLANK"),
        ("Jo\u200bhn", "U+200B ZERO WIDTH SPACE"),
        ("\ufeffJohn", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("John\u2060", "U+2060 WORD JOINER"),
        ("So\u00adfa", "U+00AD SOFT HYPHEN"),
        ("\u200eJohn", "U+200E LEFT-TO-RIGHT MARK"),
        ("\u2067John\u2069", "U+2067 RIGHT-TO-LEFT ISOLATE"),
        ("\u061c", "U+061C ARABIC LETTER MARK"),
        ("Jo\u200dhn", "U+200D ZERO WIDTH JOINER"),
        ("Jo\u200chn", "U+200C ZERO WIDTH NON-JOINER"),
        ("\u200d", "U+200D ZERO WIDTH JOINER"),
        ("علی\u200c", "U+200C ZERO WIDTH NON-JOINER"),
        ("علی\u200d\u200dرض\u0627", "U+200D ZERO WIDTH JOINER"),
        ("👩\u200d", "U+200D ZERO WIDTH JOINER"),
        ("Joh\ufe0fn", "U+FE0F VARIATION SELECTOR-16"),
        ("❤\ufe0f\ufe0f", "U+FE0F VARIATION SELECTOR-16"),
        ("5\ufe0f", "U+FE0F VARIATION SELECTOR-16"),
        ("John\U000e0100", "U+E0100 VARIATION SELECTOR-17"),
        ("John\u180b", "U+180B MONGOLIAN FREE VARIATION SELECTOR ONE"),
        ("John\U000e0068\U000e0069", "U+E0068 TAG LATIN SMALL LETTER H"),
        ("\U0001f3f4\U000e0068\U000e0069\U000e007f", "U+E0068 TAG LATIN SMALL LETTER H"),
        ("\u034f", "U+034F COMBINING GRAPHEME JOINER"),
        ("\u17b4", "U+17B4 KHMER VOWEL INHERENT AQ"),
        ("\ue000", "U+E000"),
        ("\uffff", "U+FFFF"),
        ("\ufffc", "U+FFFC OBJECT REPLACEMENT CHARACTER"),
        ("\U0001d159", "U+1D159 MUSICAL SYMBOL NULL NOTEHEAD"),
    ],
)
@pytest.mark.parametrize("person", [True, False])
def test_what_cannot_be_seen_or_turns_text_around_is_named(name: str, character: str, person: bool) -> None:
    assert rejection(name, person=person).endswith(f"character {character}")


@pytest.mark.parametrize("name", ["", " ", "\u00a0\u2003\u3000", "\t\r\n"])
def test_spaces_are_no_name(name: str) -> None:
    assert rejection(name) == "must not be empty"


def test_marks_alone_are_no_name() -> None:
    assert rejection("\u0301\u0302") == "must have a visible character"


@pytest.mark.parametrize("name", ["John\0", "Jo\x1bhn", "Jo\nhn"])
def test_control_characters_are_refused_inside(name: str) -> None:
    assert rejection(name) == "must not contain control characters"


def test_spaces_are_single_and_plain_and_invisible_line_breaks_go() -> None:
    assert read("  山田\u3000太郎\u00a0 Jr. ") == "山田 太郎 Jr."
    assert read("สม\u200bชาย") == "สมชาย"
    assert read("សុខ\u200bសាន្ត") == "សុខសាន្ត"


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("Win at http://evil.test/x", "http://"),
        ("HTTPS://evil", "HTTPS://"),
        ("mailto:a@b", "mailto:a"),
        ("javascript: alert(1)", "javascript: a"),
        ("www.evil", "www."),
        ("WWW2.evil", "WWW2."),
        ("Visit evil.com", "evil.com"),
        ("evil.com/now", "evil.com"),
        ("evil.COM.", "evil.COM"),
        ("evil\uff0ecom", "evil.com"),
        ("evil\u3002com", "evil.com"),
        ("evil\uff61com", "evil.com"),
        ("\uff45\uff56\uff49\uff4c.\uff43\uff4f\uff4d", "evil.com"),
        ("free-money.shop!", "free-money.shop"),
        ("me@evil.io", "evil.io"),
        ("x.co", "x.co"),
        ("пример.рф", "пример.рф"),
        ("例え.みんな", "例え.みんな"),
        ("नाम.भारत", "नाम.भारत"),
        ("(evil.com)", "evil.com"),
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7#a", "203.0.113.7"),
        ("evil.com-", "evil.com-"),
        *[
            (f"evil.com{end}", "evil.com")
            for end in (
                "#x",
                "&x",
                "=x",
                "%20x",
                "+x",
                "~x",
                "*",
                "_",
                "`",
                "^",
                "$",
                "—now",
                "\u2019s",
                "”",
                "»",
                "🎁",
                "、x",
                "™",
            )
        ],
        ("“evil.com”", "evil.com"),
        ("«evil.com»", "evil.com"),
        ("🎁evil.com", "evil.com"),
    ],
)
def test_a_persons_name_holds_no_link(name: str, link: str) -> None:
    assert f"must not contain a link or a domain ({link})" in rejection(name)


@pytest.mark.parametrize(
    "name", ["Booking.com voucher", ".NET in a Nutshell", "Node.js", "www.souk.test mug"]
)
def test_a_products_name_may_be_a_domains(name: str) -> None:
    assert read(name, person=False) == name


def test_names_are_measured_as_they_are_kept() -> None:
    assert read("e\u0301" * 200) == "é" * 200
    assert rejection("x" * 201) == "must have at most 200 characters"


@given(st.text(st.sampled_from(PARTS), max_size=8))
def test_what_is_taken_stays_as_it_is_and_hides_nothing(name: str) -> None:
    try:
        once = read(name)
    except InvalidArgument:
        return
    assert read(once) == once
    assert find_hidden_character(once) is None


def test_letters_are_letters_whatever_their_script() -> None:
    letters = [chr(point) for point in range(0x80, 0x10000) if unicodedata.category(chr(point))[0] == "L"]
    assert {letter for letter in letters if find_hidden_character(letter)} == set("\u115f\u1160\u3164\uffa0")
