"""Mails as bytes for SMTP (RFC 5322 and MIME), without an `EmailMessage` for each: its header parser takes milliseconds.

Headers that many mails share are encoded by the email library once; an address is written as it is unless it needs the library's rules.
"""

import re
from binascii import b2a_qp
from dataclasses import dataclass
from email.headerregistry import AddressHeader, BaseHeader
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from functools import lru_cache
from typing import cast

import idna
from aiosmtplib.email import parse_address

from kit.values import utc_now
from notification.mail.domain import Mail

# Quoted-printable never has "_" after "=", so no line of a body is a boundary.
_BOUNDARY = "=_souk"
_PART = (
    f"--{_BOUNDARY}\r\n"
    'Content-Type: text/{}; charset="utf-8"\r\n'
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
)
_TEXT = _PART.format("plain").encode()
# The line break before a boundary is part of the boundary.
_HTML = f"\r\n{_PART.format('html')}".encode()
_END = f"\r\n--{_BOUNDARY}--\r\n".encode()
# An address that needs neither quotes nor an encoding, in a line that is not folded.
_PLAIN_ADDRESS = re.compile(
    r"(?=.{3,70}\Z)[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@[A-Za-z0-9.-]+", re.ASCII
)


@dataclass(frozen=True, slots=True)
class EncodedMail:
    """A mail and its envelope; `needs_utf8`: only a server with SMTPUTF8 (RFC 6531) accepts its addresses."""

    sender: str
    recipient: str
    content: bytes
    needs_utf8: bool


class MailEncoder:
    """Encodes mails from `sender` (`Name <address>`); raises ValueError if that has line breaks or not one address."""

    def __init__(self, sender: str) -> None:
        self._sender = ascii_domain(sender)
        self._sender_address = _only_address("From", self._sender)

    def encode(self, mail: Mail) -> EncodedMail:
        """Raises ValueError for an address that cannot be written into a mail."""
        recipient = to = ascii_domain(mail.recipient)
        is_plain = _PLAIN_ADDRESS.fullmatch(to) is not None
        if not is_plain:
            recipient = _only_address("To", to)
        utf8 = not (self._sender_address + recipient).isascii()
        content = b"".join(
            (
                _cached_header("From", self._sender, utf8=utf8),
                f"To: {to}\r\n".encode() if is_plain else _header("To", to, utf8=utf8),
                _cached_header("Subject", mail.subject, utf8=utf8),
                # Auto-Submitted suppresses "out of office" replies (RFC 3834).
                f"Message-ID: {mail.message_id}\r\nDate: {format_datetime(utc_now())}\r\nAuto-Submitted: auto-generated\r\n"
                f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{_BOUNDARY}"\r\n\r\n'.encode(),
                _TEXT,
                _quoted_printable(mail.text),
                _HTML,
                _quoted_printable(mail.html),
                _END,
            )
        )
        return EncodedMail(self._sender_address, recipient, content, utf8)


def ascii_domain(address: str) -> str:
    """`address`, also as `Name <address>`, with its domain in ASCII form (RFC 5891), which every mail server accepts.

    Raises ValueError for a domain that has no such form.
    """
    start, at, domain = address.rpartition("@")
    name, bracket, rest = domain.partition(">")
    return start + at + (name if name.isascii() else idna.encode(name, uts46=True).decode()) + bracket + rest


def _only_address(name: str, value: str) -> str:
    addresses = cast("AddressHeader", _parsed(name, value, utf8=True)).addresses
    if len(addresses) != 1 or not addresses[0].domain:
        raise ValueError(f"{name} must be one address")
    return parse_address(addresses[0].addr_spec)


def _header(name: str, value: str, *, utf8: bool) -> bytes:
    return (SMTPUTF8 if utf8 else SMTP).fold_binary(name, _parsed(name, value, utf8=utf8))


def _parsed(name: str, value: str, *, utf8: bool) -> BaseHeader:
    # The library removes a line break at the end.
    if "\r" in value or "\n" in value:
        raise ValueError(f"{name} must be one line")
    _, header = (SMTPUTF8 if utf8 else SMTP).header_store_parse(name, value)
    return cast("BaseHeader", header)


# Of senders and subjects only: an address would be kept after its account was deleted.
_cached_header = lru_cache(maxsize=256)(_header)


def _quoted_printable(text: str) -> bytes:
    return b2a_qp(b"\r\n".join(text.encode().splitlines()) + b"\r\n")
