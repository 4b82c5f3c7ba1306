"""Email addresses have one stored form, however they are written."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from account.accounts.domain import normalize_email

PARTS = st.text(alphabet="abcXYZ019.-_+\u00e9e\u0301\u00fc\u0130\u00df\u212a@", max_size=12)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        (" John@Example.COM ", "john@example.com"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("john@B\u00dcCHER.example", "john@b\u00fccher.example"),
        ("john@xn--bcher-kva.example", "john@b\u00fccher.example"),
        # Invalid addresses are empty, which no account has.
        ("no address", ""),
        ("john\0@example.com", ""),
        ("john@example.com\0", ""),
    ],
)
def test_an_address_has_one_stored_form(written: str, stored: str) -> None:
    assert normalize_email(written) == stored


@given(PARTS, PARTS)
def test_normalizing_a_normalized_address_changes_nothing(local: str, domain: str) -> None:
    normalized = normalize_email(f"{local}@{domain}.example")
    assert normalize_email(normalized) == normalized
    assert unicodedata.is_normalized("NFC", normalized)
