"""Which characters the names of people, products and categories may contain, and which names contain a link (ADR 0024).

Follows PRECIS (RFC 8264, RFC 8266): a name contains no invisible characters and none that change the text's direction. Joiners and
variation selectors are invisible too, but Persian, Sinhala, Bengali, Mongolian and Japanese names and emoji need them: they are allowed
where they have an effect.
"""

import re
import unicodedata
from bisect import bisect_right
from typing import Final

from kit.values.domains import TOP_LEVEL_DOMAINS

_NON_JOINER: Final = "\u200c"
_JOINER: Final = "\u200d"
_VIRAMA: Final = 9
# Blocks (first, last) whose letters join or stack: Arabic to Mandaic and Arabic's extensions, Devanagari to Sinhala, Myanmar, Khmer and
# Mongolian, Buginese to Vedic, Saurashtra to Meetei, Arabic's presentation forms, and historic and modern scripts beyond the BMP.
_JOINING: Final = (
    (0x0600, 0x08FF),
    (0x0900, 0x0DFF),
    (0x1000, 0x109F),
    (0x1780, 0x18AF),
    (0x1A00, 0x1CFF),
    (0xA840, 0xABFF),
    (0xFB50, 0xFDFF),
    (0xFE70, 0xFEFE),
    (0x10A00, 0x10FFF),
    (0x11000, 0x11FFF),
    (0x1E900, 0x1E95F),
)
_JOINING_STARTS: Final = [first for first, _ in _JOINING]
# Blank letters, marks and signs: the fillers of Hangul and Khitan, inherent vowels of Khmer, the grapheme joiner, an empty Braille
# cell, an empty notehead, the object replacement character.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc\U00016fe4\U0001d159")
# Signs that enclose the digits or letters after them: a year, the end of a verse. Unicode counts them as format characters.
_VISIBLE_FORMATS: Final = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
_MONGOLIAN: Final = frozenset("\u180b\u180c\u180d\u180e\u180f")
_MONGOLIAN_LETTERS: Final = range(0x1820, 0x18AB)
_EMOJI_SELECTORS: Final = frozenset("\ufe0e\ufe0f")
# Becomes an emoji with a selector, but is not in a symbol category.
_EMOJI_PUNCTUATION: Final = frozenset("\u203c\u2049\u3030\u303d")
_KEYS: Final = frozenset("0123456789#*")
_KEYCAP: Final = "\u20e3"
# Unicode adds emoji every year, before Python's unicodedata knows them.
_NEW_EMOJI: Final = range(0x1F000, 0x1FB00)
# The flags of England, Scotland and Wales use tag characters, which could hide text anywhere else.
_FLAGS: Final = re.compile(
    "\U0001f3f4(?:\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073))"
    "\U000e007f"
)
_SPACES: Final = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
# Thai, Lao, Myanmar and Khmer have no spaces between words; some keyboards insert an invisible line break (U+200B) there.
_LINE_BREAKS: Final = re.compile(
    "(?<=[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b+(?=[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff])"
)

_SCHEME: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://|\b(?:https?|ftp|mailto|tel|sms|javascript|data|whatsapp|tg|skype)\s*:\s*\S",
    re.IGNORECASE,
)
_WWW: Final = re.compile(r"\bwww\d{0,3}\.", re.IGNORECASE)
# IDNA's other dots; NFKC turns the full-width one into a dot and the half-width one into U+3002.
_DOTS: Final = re.compile("[\u3002\uff0e\uff61]")
_DOTTED: Final = re.compile(r"[^\s.]+(?:\.[^\s.]+)+")
_FOUR_NUMBERS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


def normalize_name(text: str) -> str:
    """NFC, with single plain spaces and none at the ends (RFC 8266), without the invisible line breaks between words of some scripts."""
    return _LINE_BREAKS.sub("", _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip(" \t\r\n"))


def find_hidden_character(text: str) -> str | None:
    """The first character that is invisible in its place or changes the text direction, such as `U+202E RIGHT-TO-LEFT OVERRIDE`."""
    text = _FLAGS.sub("\U0001f3f4", text)
    for index, character in enumerate(text):
        if not character.isascii() and _is_hidden(text, index, character):
            return f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()
    return None


def has_visible_character(text: str) -> bool:
    """Whether the text has a letter, number, punctuation or symbol, not only marks and spaces."""
    return any(
        unicodedata.category(character)[0] in "LNPS"
        or ord(character) in _NEW_EMOJI
        or character in _VISIBLE_FORMATS
        for character in text
    )


def find_link(text: str) -> str | None:
    """Text that mail programs and browsers would turn into a link: a scheme, `www.`, or a name that ends in a top-level domain."""
    # As written too: NFKC makes letters of signs that end a name, such as ™.
    for plain in (_DOTS.sub(".", unicodedata.normalize("NFKC", text)), _DOTS.sub(".", text)):
        if match := _SCHEME.search(plain) or _WWW.search(plain):
            return match[0].strip()
        for dotted in _DOTTED.findall("".join(map(_host_character, plain))):
            if _is_domain(dotted):
                return str(dotted)
    return None


def _host_character(character: str) -> str:
    """A space for everything that cannot be part of a host's name, and so ends it."""
    return character if character in ".-" or unicodedata.category(character)[0] in "LMN" else " "


def _is_domain(dotted: str) -> bool:
    if _FOUR_NUMBERS.fullmatch(dotted):
        return True
    last = dotted.rpartition(".")[2].strip("-").casefold()
    try:
        last = last.encode("idna").decode()
    except UnicodeError:
        return False
    return last in TOP_LEVEL_DOMAINS


def _is_hidden(text: str, index: int, character: str) -> bool:
    before = text[index - 1] if index else ""
    after = text[index + 1] if index + 1 < len(text) else ""
    if character in (_JOINER, _NON_JOINER):
        return not _joins(before, character, after)
    if character in _MONGOLIAN:
        return not before or ord(before) not in _MONGOLIAN_LETTERS
    if character in _EMOJI_SELECTORS:
        return not _is_emoji_base(before, after)
    if unicodedata.name(character, "").startswith("VARIATION SELECTOR-"):
        # Selects the form of an ideograph: 葛󠄀 and 葛 are different names.
        return not before or not unicodedata.name(before, "").startswith("CJK ")
    if character in _BLANK:
        return True
    if character in _VISIBLE_FORMATS:
        return False
    category = unicodedata.category(character)
    return category in ("Cf", "Co", "Zl", "Zp") or (category == "Cn" and ord(character) not in _NEW_EMOJI)


def _joins(before: str, joiner: str, after: str) -> bool:
    if not before:
        return False
    if joiner == _JOINER and (before in _EMOJI_SELECTORS or _is_symbol(before)):
        return _is_symbol(after)
    if not _is_joining(before):
        return False
    # A non-joiner separates two letters or shows a virama; a joiner selects the form that a letter has before another.
    return joiner == _JOINER or _is_joining(after) or unicodedata.combining(before) == _VIRAMA


def _is_joining(character: str) -> bool:
    if not character or unicodedata.category(character)[0] not in "LM":
        return False
    block = bisect_right(_JOINING_STARTS, ord(character)) - 1
    return block >= 0 and ord(character) <= _JOINING[block][1]


def _is_emoji_base(before: str, after: str) -> bool:
    if not before:
        return False
    if before in _KEYS:
        return after == _KEYCAP
    is_arrow = unicodedata.category(before) == "Sm" and not before.isascii()
    return before in _EMOJI_PUNCTUATION or _is_symbol(before) or is_arrow


def _is_symbol(character: str) -> bool:
    """A non-ASCII symbol: an emoji, a skin tone, or another."""
    if not character or character.isascii():
        return False
    return unicodedata.category(character) in ("So", "Sk") or ord(character) in _NEW_EMOJI
