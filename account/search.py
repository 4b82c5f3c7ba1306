"""What an operator finds accounts by: the words of an account, and what a query asks of them. Both are folded alike.

An account's words are kept with it (`accounts.words`), because PostgreSQL's own parser splits at the vowels of Hindi and Thai, reads dotted
names as hosts, and knows nothing of telephone numbers. A query's word matches the beginning of any of them.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from typing import Final

# Accents, and the vowels that Hebrew and Arabic may leave out; the vowels of Indic and South-East Asian scripts are no such thing.
_OPTIONAL_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200c\u200d]"
)
# Letters that no decomposition takes apart.
_LETTERS: Final = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\u0131": "i",
        "ħ": "h",
        "ŧ": "t",
    }
)
# Scripts without spaces between words: Thai, Lao, Myanmar, Khmer, kana, Han.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
_TELEPHONE: Final = re.compile(r"(?<!\w)[+(\d][\d\s().\-/]*\d(?!\w)")
# A number that stands among words is a telephone number from here on, one that stands alone in any case.
_TELEPHONE_MIN: Final = 7
_SUFFIX_MIN: Final = 4
_TRUNK: Final = re.compile(r"\(\s*0\s*\)")

# A query: every group must match; a group matches by any alternative; an alternative by all of its words.
Query = Sequence[Sequence[Sequence[str]]]


def words_of(name: str, email: str, phone: str) -> set[str]:
    """An account's words: those of its name and address, joined and apart, and the ends of its telephone number."""
    words: set[str] = set()
    for text in (name, email):
        chunks = [_pieces(chunk) for chunk in fold(text).split()]
        for pieces in (*chunks, [piece for chunk in chunks for piece in chunk]):
            for word in (*pieces, "".join(pieces)):
                words.update(_beginnings(word))
    digits = "".join(_pieces(phone))
    words.update(digits[index:] for index in range(max(1, len(digits) - _SUFFIX_MIN + 1)))
    return words - {""}


def read_query(text: str) -> Query | None:
    """What a query asks for; None when there is neither letter nor digit in it."""
    folded = fold(text).strip()
    groups: list[list[list[str]]] = []

    def number(found: re.Match[str]) -> str:
        if found[0] != folded and sum(map(str.isdigit, found[0])) < _TELEPHONE_MIN:
            return found[0]
        groups.append([[form] for form in _telephone_forms(found[0])] + [_pieces(found[0])])
        return " "

    for chunk in _TELEPHONE.sub(number, folded).split():
        if pieces := _pieces(chunk):
            groups.append([pieces, ["".join(pieces)]] if len(pieces) > 1 else [pieces])
    return groups or None


def matches(query: Query, words: Collection[str]) -> bool:
    """Whether an account that has these words is found."""
    return all(
        any(all(any(has.startswith(word) for has in words) for word in alternative) for alternative in group)
        for group in query
    )


def fold(text: str) -> str:
    """Without case, accents and forms: `Muñoz` and `MUNOZ` are one, so are `Straße` and `STRASSE`."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", _OPTIONAL_MARKS.sub("", plain).translate(_LETTERS))


def _pieces(chunk: str) -> list[str]:
    """Runs of letters with their vowels, and of digits of any script."""
    return "".join(map(_kept, chunk)).split()


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    return character if category[0] in "LMN" else " "


def _beginnings(word: str) -> Iterator[str]:
    """The word; where its script has no spaces, also what begins within it."""
    yield word
    for index in range(1, len(word)):
        if _UNSPACED.match(word[index]) and unicodedata.category(word[index])[0] != "M":
            yield word[index:]


def _telephone_forms(written: str) -> list[str]:
    """The digits as E.164 may end with them: without the international 00, and without the 0 that is dialled at home."""
    digits = "".join(_pieces(_TRUNK.sub("", written))).replace(" ", "")
    forms = (digits, digits.removeprefix("00"), digits.removeprefix("0"))
    return [form for form in dict.fromkeys(forms) if form]
