"""Detects card numbers in free text, which must never be stored (ISO/IEC 7812 and the prefixes that issuers publish)."""

import re
import unicodedata

# Digits in groups, as people write them. A leading plus sign marks a telephone number.
_DIGITS = re.compile(r"(?<![+0-9])[0-9](?:[ ./-]{0,2}[0-9]){11,}")
_GROUP_END = re.compile(r"[ ./-]+")
_MAX_DIGITS = 19
# First and last prefix of each range, and the lengths of its numbers. Visa's old 13-digit numbers are left out: telephone numbers have
# 13 digits too, and those cards expired long ago.
_ISSUERS = (
    ("4", "4", (16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("6011", "6011", range(16, 20)),  # Discover
    ("644", "659", range(16, 20)),
    ("300", "305", range(14, 20)),  # Diners Club
    ("3095", "3095", range(14, 20)),
    ("36", "36", range(14, 20)),
    ("38", "39", range(14, 20)),
    ("3528", "3589", range(16, 20)),  # JCB
    ("62", "62", range(16, 20)),  # UnionPay
    ("2200", "2204", range(16, 20)),  # Mir
    ("5018", "5018", range(12, 20)),  # Maestro
    ("5020", "5020", range(12, 20)),
    ("5038", "5038", range(12, 20)),
    ("5893", "5893", range(12, 20)),
    ("6304", "6304", range(12, 20)),
    ("6759", "6759", range(12, 20)),
    ("6761", "6763", range(12, 20)),
)


def looks_like_card_number(text: str) -> bool:
    """Whether the text contains digits with an issuer's prefix and length that pass the Luhn check.

    The digits may be grouped, next to other digits, or full-width. One number in ten passes the Luhn check, so a parcel or telephone
    number can match too: use this only for fields into which people paste card numbers.
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return any(_holds_card(_GROUP_END.split(run)) for run in _DIGITS.findall(plain))


def _holds_card(groups: list[str]) -> bool:
    """Whether some adjacent groups of digits form a card number."""
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) > _MAX_DIGITS:
                break
            if _is_issued(digits) and _passes_luhn(digits):
                return True
    return False


def _is_issued(digits: str) -> bool:
    return any(
        len(digits) in lengths and first <= digits[: len(first)] <= last for first, last, lengths in _ISSUERS
    )


def _passes_luhn(digits: str) -> bool:
    doubled = (sum(divmod(int(digit) * 2, 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
