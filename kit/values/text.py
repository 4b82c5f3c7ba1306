"""Validates text that clients send, once, in the service that owns it (docs/guarantees.md, Limits of inputs)."""

import re
import unicodedata
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from kit.errors import Violations
from kit.values.ids import Id, IdParser
from kit.values.names import find_hidden_character, find_link, has_visible_character, normalize_name

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_DECIMAL: Final = re.compile(r"(?P<sign>-?)(?P<whole>[0-9]+)(?:\.(?P<decimals>[0-9]+))?")
_MAX_DIGITS: Final = 15
# Not counting trailing zeros, which change nothing.
_MAX_DECIMALS: Final = 6
_MAX_EMAIL_LENGTH = 254
_MAX_PAGE_SIZE = 100
Path = tuple[str | int, ...]

# The assigned codes of ISO 3166-1 alpha-2, and unassigned ones that mail addresses use: XK (Kosovo, user-assigned) and the
# exceptionally reserved AC and TA (Ascension, Tristan da Cunha), EA and IC (Ceuta and Melilla, the Canary Islands).
COUNTRIES = frozenset(
    "AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF "
    "CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EA EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH "
    "GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU IC ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW "
    "KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI "
    "NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR "
    "SS ST SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA "
    "ZM ZW".split()
)


class FieldReader:
    """Reads the fields of one input and collects every violation; `raise_if_invalid()` raises them all at once.

    Each method returns the cleaned value; after recording a violation, a harmless value of the same type.
    """

    def __init__(self) -> None:
        self.violations = Violations()

    def raise_if_invalid(self) -> None:
        """Raises InvalidArgument with every violation, if there is one."""
        self.violations.raise_if_any()

    def text(
        self, value: str, *path: str | int, min_length: int = 0, max_length: int, lines: bool = False
    ) -> str:
        """NFC, trimmed, without control characters (`lines` allows tab and line breaks); lengths are in characters."""
        cleaned = unicodedata.normalize("NFC", value).strip()
        # A printable text, as nearly all are, has none of them.
        if not cleaned.isprintable() and any(_forbidden(character, lines) for character in cleaned):
            self.violations.add(path, "must not contain control characters")
        if len(cleaned) < min_length:
            self.violations.add(
                path,
                "must not be empty" if min_length == 1 else f"must have at least {min_length} characters",
            )
        elif len(cleaned) > max_length:
            self.violations.add(path, f"must have at most {max_length:,} characters")
        return cleaned

    def not_blank(self, value: str, *path: str | int) -> str:
        """For an optional value: empty means omitted, blank is rejected."""
        self.require(not value or bool(value.strip()), "must not be empty", *path)
        return value

    def name(
        self, value: str, *path: str | int, min_length: int = 1, max_length: int, person: bool = False
    ) -> str:
        """The name of a person, product or category: NFC, single spaces, visible characters (ADR 0024).

        The name of a `person` must not contain a link, because it appears in emails.
        """
        normalized = normalize_name(value)
        if hidden := find_hidden_character(normalized):
            self.violations.add(
                path, f"must not contain the invisible or direction-changing character {hidden}"
            )
            return normalized
        cleaned = self.text(normalized, *path, min_length=min_length, max_length=max_length)
        if cleaned and not has_visible_character(cleaned):
            self.violations.add(path, "must have a visible character")
        if person and (link := find_link(cleaned)):
            self.violations.add(
                path, f"must not contain a link or a domain ({link[:40]}); a space after a dot makes it none"
            )
        return cleaned

    def email(self, value: str, *path: str | int) -> str:
        """An email address of 3 to 254 characters with a dotted domain (RFC 5321), in lower case."""
        cleaned = value.strip()
        if not 3 <= len(cleaned) <= _MAX_EMAIL_LENGTH:
            self.violations.add(path, f"must have 3 to {_MAX_EMAIL_LENGTH} characters")
            return cleaned
        try:
            # test_environment allows the reserved domain .test, for tests and development.
            address = validate_email(cleaned, check_deliverability=False, test_environment=True)
        except EmailNotValidError:
            self.violations.add(path, "must be an email address")
            return cleaned
        if "." not in address.domain:
            self.violations.add(path, "must have a domain with a dot")
        return address.normalized.lower()

    def phone(self, value: str, *path: str | int) -> str:
        """E.164, e.g. +41441234567."""
        cleaned = value.strip()
        if not _PHONE.fullmatch(cleaned):
            self.violations.add(path, "must be a phone number of the form +41441234567 (E.164)")
        return cleaned

    def country(self, value: str, *path: str | int) -> str:
        """A country code in COUNTRIES, in upper case."""
        cleaned = value.strip().upper()
        if cleaned not in COUNTRIES:
            self.violations.add(path, "must be a country code of two letters (ISO 3166-1)")
        return cleaned

    def url(self, value: str, *path: str | int, max_length: int = 2000) -> str:
        """An absolute http or https URL."""
        cleaned = self.text(value, *path, min_length=1, max_length=max_length)
        try:
            parts = urlsplit(cleaned)
            is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in cleaned
        except ValueError:
            is_valid = False
        if not is_valid:
            self.violations.add(path, "must be an absolute http or https URL")
        return cleaned

    def integer(self, value: int, *path: str | int, minimum: int, maximum: int) -> int:
        """A whole number from `minimum` to `maximum`."""
        if not minimum <= value <= maximum:
            self.violations.add(path, f"must be between {minimum:,} and {maximum:,}")
        return value

    def decimal(self, value: str, *path: str | int) -> Decimal | None:
        """A decimal without sign or exponent; None when empty. `Money.parse` checks the currency's number of decimals."""
        if not value:
            return None
        if rule := _broken_decimal_rule(value):
            self.violations.add(path, rule)
            return None
        return Decimal(value)

    def page_size(self, requested: int, *path: str | int, default: int = 20) -> int:
        """The number of items on a page; 0 means the default."""
        return self.integer(requested or default, *path, minimum=1, maximum=_MAX_PAGE_SIZE)

    def require(self, condition: bool, rule: str, *path: str | int) -> None:
        """Records a violation of `rule` at `path` unless the condition holds."""
        if not condition:
            self.violations.add(path, rule)


def read_id(reader: FieldReader, kind: IdParser[Id], text: str, *path: str | int) -> Id | None:
    """Like `kind.parse`, but collects the error with the others of the input."""
    with reader.violations.collect():
        return kind.parse(text, *path)
    return None


def _broken_decimal_rule(value: str) -> str:
    number = _DECIMAL.fullmatch(value)
    if number is None:
        return "must be a decimal number without exponent, such as 999.99"
    if number["sign"]:
        return "must not be negative"
    if len(number["whole"].lstrip("0")) > _MAX_DIGITS:
        return f"must have at most {_MAX_DIGITS} digits before the point"
    if len((number["decimals"] or "").rstrip("0")) > _MAX_DECIMALS:
        return f"must have at most {_MAX_DECIMALS} decimals"
    return ""


def plain_decimal(value: Decimal | None) -> str:
    """A decimal without exponent and trailing zeros, so that equal numbers have equal texts; empty for None."""
    return "" if value is None else f"{value.normalize():f}"


def _forbidden(character: str, lines: bool) -> bool:
    # Some programs treat U+2028 and U+2029 (Zl, Zp) as line breaks.
    categories = ("Cc", "Cs") if lines else ("Cc", "Cs", "Zl", "Zp")
    return unicodedata.category(character) in categories and not (lines and character in "\n\r\t")
