"""Addresses as accounts keep them: one address has one form, however it is written."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from account.domain import normal_email

PARTS = st.text(alphabet="abcXYZ019.-_+\u00e9e\u0301\u00fc\u0130\u00df\u212a@", max_size=12)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" John@Example.COM ", "john@example.com"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("john@B\u00dcCHER.example", "john@b\u00fccher.example"),
        ("john@xn--bcher-kva.example", "john@b\u00fccher.example"),
        # Nothing of it is looked up or counted: no account has it.
        ("no address", ""),
        ("john\0@example.com", ""),
        ("john@example.com\0", ""),
    ],
)
def test_an_address_has_one_form(written: str, kept: str) -> None:
    assert normal_email(written) == kept


@given(PARTS, PARTS)
def test_the_form_of_a_form_is_itself(local: str, domain: str) -> None:
    once = normal_email(f"{local}@{domain}.example")
    assert normal_email(once) == once
    assert unicodedata.is_normalized("NFC", once) or normal_email(once) == once
