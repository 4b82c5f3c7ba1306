"""The words by which an account is found. Queries are folded the same way (`account.search.query`).

They are stored with the account (`accounts.words`), because PostgreSQL's own parser splits Hindi and Thai words at their vowels, reads
dotted names as hosts and does not recognise telephone numbers.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

# Accents, and the vowel marks that Hebrew and Arabic may omit. The vowels of Indic and South-East Asian scripts are not optional.
_OPTIONAL_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200c\u200d]"
)
# Letters without a Unicode decomposition.
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
        # Persian's yeh and kaf, the final yeh, and teh marbuta, which people write as heh.
        "\u06cc": "\u064a",
        "\u0649": "\u064a",
        "\u06a9": "\u0643",
        "\u0629": "\u0647",
        # Katakana as hiragana.
        **{chr(code): chr(code - 0x60) for code in range(0x30A1, 0x30F7)},
    }
)
# Scripts without spaces between words: Thai, Lao, Myanmar, Khmer, kana, Han.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
_MIN_PHONE_SUFFIX: Final = 4


def words_of(name: str, email: str, phone: str) -> set[str]:
    """The words of the name and address, whole and in parts, and the suffixes of the telephone number."""
    words: set[str] = set()
    for text in (name, email):
        chunks = [split(chunk) for chunk in fold(text).split()]
        for pieces in (*chunks, [piece for chunk in chunks for piece in chunk]):
            for word in (*pieces, "".join(pieces)):
                words.update(_suffixes(word))
    digits = "".join(split(phone))
    words.update(digits[index:] for index in range(max(1, len(digits) - _MIN_PHONE_SUFFIX + 1)))
    return words - {""}


def fold(text: str) -> str:
    """Removes differences of case, accents and character forms: `Muñoz` equals `MUNOZ`, `Straße` equals `STRASSE`."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", _OPTIONAL_MARKS.sub("", plain).translate(_LETTERS))


def split(chunk: str) -> list[str]:
    """The runs of letters, marks and digits; digits of any script become ASCII."""
    return "".join(map(_letter_or_space, chunk)).split()


def _letter_or_space(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    return character if category[0] in "LMN" else " "


def _suffixes(word: str) -> Iterator[str]:
    """The word and, in a script without spaces, each of its suffixes, since a word may start anywhere."""
    yield word
    for index in range(1, len(word)):
        if _UNSPACED.match(word[index]) and unicodedata.category(word[index])[0] != "M":
            yield word[index:]
