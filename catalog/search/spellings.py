"""Alternative spellings of a query: words joined, and punctuation and conjunctions left out. Plain text in, plain text out."""

import re
from collections.abc import Iterator
from typing import Final

# A longer query is a sentence.
_MAX_WORDS: Final = 5
_SIGN: Final = re.compile(r"[^\w\s]|_")
# Japanese, Thai, Lao, Burmese and Khmer have no spaces; a dictionary splits the words, and may not recognize half a word.
_UNSPACED: Final = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\uff66-\uff9f]$")
_UNSPACED_LETTERS: Final = 4
# Words that people write instead of an ampersand, or leave out.
_CONJUNCTIONS: Final = frozenset(
    "& + and und et y e ed i en og och ja és a și и і й та та и και ve û و و и dan với และ と 와 과 und u oraz".split()  # noqa: RUF001
)


def spellings(query: str) -> list[str]:
    """The query without conjunctions, with the parts of each word joined (ear-buds), and with two words joined (ear buds)."""
    words = query.split()
    if len(words) > _MAX_WORDS:
        return []
    distinct = dict.fromkeys(_alternatives(words))
    distinct.pop(" ".join(words), None)
    return [spelling for spelling in distinct if spelling]


def shortened(query: str) -> list[str]:
    """The query without its last word; in scripts without spaces also without its last letters, which may change how it is split."""
    unspaced = (
        [query[:-count] for count in range(1, _UNSPACED_LETTERS + 1)] if _UNSPACED.search(query) else []
    )
    return [part for part in (*unspaced, query.rpartition(" ")[0]) if part.strip()]


def _alternatives(words: list[str]) -> Iterator[str]:
    inner = words[1:-1]
    if any(word.casefold() in _CONJUNCTIONS for word in inner):
        yield " ".join(
            [words[0], *(word for word in inner if word.casefold() not in _CONJUNCTIONS), words[-1]]
        )
    yield " ".join(_SIGN.sub("", word) for word in words)
    for i in range(len(words) - 1):
        yield " ".join([*words[:i], words[i] + words[i + 1], *words[i + 2 :]])
