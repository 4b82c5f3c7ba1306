"""Other ways to write a query: words that may be one word, and signs and words that join others. Plain text in, plain text out."""

import re
from collections.abc import Iterator
from typing import Final

# With more words than this the query is a sentence.
_WORDS_MOST: Final = 5
_SIGN: Final = re.compile(r"[^\w\s]|_")
# Japanese, Thai, Lao, Burmese, Khmer: a dictionary finds the words, and half a word may be none.
_UNSPACED: Final = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\uff66-\uff9f]$")
_UNSPACED_LETTERS: Final = 4
# What people write for an ampersand, or leave out.
_JOINING: Final = frozenset(
    "& + and und et y e ed i en og och ja és a și и і й та та и και ve û و و и dan với และ と 와 과 und u oraz".split()  # noqa: RUF001
)


def spellings(query: str) -> list[str]:
    """The query without its joining words, with the parts of each word joined (ear-buds), and with two words joined (ear buds)."""
    words = query.split()
    if len(words) > _WORDS_MOST:
        return []
    found = dict.fromkeys(_other_spellings(words))
    found.pop(" ".join(words), None)
    return [spelling for spelling in found if spelling]


def shortened(query: str) -> list[str]:
    """What was typed before the last word; before its last letters where words are written without spaces, and end otherwise then."""
    unspaced = (
        [query[:-count] for count in range(1, _UNSPACED_LETTERS + 1)] if _UNSPACED.search(query) else []
    )
    return [part for part in (*unspaced, query.rpartition(" ")[0]) if part.strip()]


def _other_spellings(words: list[str]) -> Iterator[str]:
    inner = words[1:-1]
    if any(word.casefold() in _JOINING for word in inner):
        yield " ".join([words[0], *(word for word in inner if word.casefold() not in _JOINING), words[-1]])
    yield " ".join(_SIGN.sub("", word) for word in words)
    for at in range(len(words) - 1):
        yield " ".join([*words[:at], words[at] + words[at + 1], *words[at + 2 :]])
