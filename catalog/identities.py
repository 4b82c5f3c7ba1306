"""Identities of category names and SKUs, and slugs. PostgreSQL has functions of the same names (migrations 0004 and 0008, ADR 0032)."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

# Combining accents of Latin, Greek and Cyrillic. The combining marks of other scripts are vowels.
_ACCENTS = re.compile(r"[\u0300-\u036f]")
# What the search folds and `lower` keeps: ß (and ẞ), the final sigma, dashes and the minus sign.
_SKU_LETTERS = str.maketrans(
    {"ß": "ss", "\u03c2": "\u03c3", **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")}
)
# More than a product has names and values of options: declaring its variants compares each of them thousands of times.
_CACHED_OPTIONS: Final = 1024
_INVISIBLE = ("Cf", "Zl", "Zp")
# Signs that distinguish names, such as C++, C# and .NET, and how a slug spells them.
_SPELLED_OUT = (
    (re.compile(r"(?<=\w)\+(?=\+*(?!\w))|(?<=\+)\+(?!\w)"), " plus"),
    (re.compile(r"(?<=\w)#(?!\w)"), " sharp"),
    (re.compile(r"(?<![\w.])\.(?=[^\W\d_])"), " dot "),
)


def category_identity(name: str) -> str:
    """Names are of the same category if they differ only in case, width and repeated spaces."""
    return unicodedata.normalize("NFKC", " ".join(name.split())).lower()


def sku_identity(sku: str) -> str:
    """SKUs are the same if they differ only in case, width, accents, kinds of dash, repeated spaces and invisible characters."""
    plain = unicodedata.normalize("NFKD", sku).lower().translate(_SKU_LETTERS)
    return " ".join(_ACCENTS.sub("", without_invisible(plain)).split())


@lru_cache(_CACHED_OPTIONS)
def option_identity(text: str) -> str:
    """Names of options and their values are the same if they differ only in case, width and repeated spaces."""
    return category_identity(text)


def without_invisible(text: str) -> str:
    """Removes format characters (Cf) and line and paragraph separators."""
    return "".join(c for c in text if unicodedata.category(c) not in _INVISIBLE)


def slug_of(name: str) -> str:
    """Lower-case letters with their marks, and digits, without accents, words joined by hyphens. NFC; empty if the name has none."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    for sign, spelling in _SPELLED_OUT:
        plain = sign.sub(spelling, plain)
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", plain)))
    slug = "-".join("".join(c if _belongs_to_word(c) else " " for c in plain).split())
    return slug if any(map(str.isalnum, slug)) else ""


def _belongs_to_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")
