"""What a query for accounts matches. Each word of a query matches the beginning of an account's words (`account.accounts.words`)."""

import re
from collections.abc import Collection, Sequence
from typing import Final

from account.accounts.words import fold, split

_PHONE_NUMBER: Final = re.compile(r"(?<!\w)[+(\d][\d\s().\-/]*\d(?!\w)")
# Digits among other words are a telephone number from this length on; digits alone always are.
_MIN_PHONE_DIGITS: Final = 7
_TRUNK_PREFIX: Final = re.compile(r"\(\s*0\s*\)")

# Every group must match. A group matches by any of its alternatives, an alternative by all of its words.
Query = Sequence[Sequence[Sequence[str]]]


def read_query(text: str) -> Query | None:
    """Parses a query; None when it has neither letters nor digits."""
    folded = fold(text).strip()
    groups: list[list[list[str]]] = []

    def take_number(match: re.Match[str]) -> str:
        if match[0] != folded and sum(map(str.isdigit, match[0])) < _MIN_PHONE_DIGITS:
            return match[0]
        groups.append([[form] for form in _phone_forms(match[0])] + [split(match[0])])
        return " "

    for chunk in _PHONE_NUMBER.sub(take_number, folded).split():
        if pieces := split(chunk):
            groups.append([pieces, ["".join(pieces)]] if len(pieces) > 1 else [pieces])
    return groups or None


def matches(query: Query, words: Collection[str]) -> bool:
    """Whether an account with these words matches."""
    return all(
        any(
            all(any(word.startswith(prefix) for word in words) for prefix in alternative)
            for alternative in group
        )
        for group in query
    )


def _phone_forms(written: str) -> list[str]:
    """The digits as a stored E.164 number can end with them: without the international prefix 00, and without the national 0."""
    digits = "".join(split(_TRUNK_PREFIX.sub("", written))).replace(" ", "")
    forms = (digits, digits.removeprefix("00"), digits.removeprefix("0"))
    return [form for form in dict.fromkeys(forms) if form]
