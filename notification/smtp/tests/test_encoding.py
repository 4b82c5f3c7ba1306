"""Encoded mails, compared with what the email library makes of the same mail."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, default

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notification.mail.domain import Mail
from notification.smtp.encoding import MailEncoder, ascii_domain

_HEADERS = ("From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version")
_LONG = "x" * 2_000
_TRICKY = st.sampled_from(
    [".", "..", "--=_souk", "--=_souk--", "a " * 60, "-- ", "=3D", "\t", _LONG, "ü" * 90, "From x"]
)
_BODIES = st.lists(st.text() | _TRICKY, max_size=6).map("\n".join) | st.text(
    alphabet="a .\r\n=é", max_size=200
)
_SUBJECTS = st.text(alphabet=st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=120)
_LOCAL = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,30}(\.[a-z0-9]{1,20})?", fullmatch=True)
_UNUSUAL_LOCAL = st.sampled_from(['"john doe"', '"a@b"', '"a,b"', "jörg", "用户", "a" * 64])
_DOMAINS = st.sampled_from(
    ["souk.test", "öko-laden.example", "日本語.example", "x" * 60 + "." + "y" * 60 + ".example"]
)
_ADDRESSES = st.builds("{}@{}".format, _LOCAL | _UNUSUAL_LOCAL, _DOMAINS)
_SENDERS = st.sampled_from(
    [
        "Souk <orders@souk.test>",
        "orders@souk.test",
        "Öko-Laden <post@öko-laden.example>",
        '"Shop, the <best>" <a@souk.test>',
        f"{'Größter Laden der Welt ' * 6}<a@souk.test>",
    ]
)


def by_library(mail: Mail, sender: str) -> tuple[EmailMessage, bytes]:
    """The mail as the email library builds it, and its bytes."""
    message = EmailMessage(policy=SMTP)
    message["From"] = ascii_domain(sender)
    message["To"] = ascii_domain(mail.recipient)
    message["Subject"] = mail.subject
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    utf8 = not str(message["To"]).isascii()
    return message, message.as_bytes(policy=SMTPUTF8 if utf8 else SMTP)


def parsed(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=default)


def bodies(message: EmailMessage) -> list[tuple[str, str, str]]:
    return [
        (part.get_content_type(), str(part.get_content_charset()), part.get_content())
        for part in message.iter_parts()
    ]


@settings(deadline=None)
@given(sender=_SENDERS, recipient=_ADDRESSES, subject=_SUBJECTS, text=_BODIES, html=_BODIES)
@example("Souk <orders@souk.test>", "john@souk.test", "Your order", "", "")
def test_a_mail_says_what_the_email_library_would_send(
    sender: str, recipient: str, subject: str, text: str, html: str
) -> None:
    mail = Mail("<ntf_1@souk.test>", recipient, subject, text, html)
    expected, content = by_library(mail, sender)
    encoded = MailEncoder(sender).encode(mail)
    received, by_them = parsed(encoded.content), parsed(content)

    assert [received[name] for name in _HEADERS] == [by_them[name] for name in _HEADERS]
    assert received["To"].addresses == by_them["To"].addresses
    assert encoded.recipient == expected["To"].addresses[0].addr_spec
    assert encoded.sender == expected["From"].addresses[0].addr_spec
    assert bodies(received) == bodies(by_them)
    assert received["Date"].datetime is not None
    assert [part.defects for part in received.walk()] == [[], [], []]


@settings(deadline=None)
@given(sender=_SENDERS, recipient=_ADDRESSES, subject=_SUBJECTS, text=_BODIES, html=_BODIES)
def test_every_line_has_the_form_that_smtp_requires(
    sender: str, recipient: str, subject: str, text: str, html: str
) -> None:
    encoded = MailEncoder(sender).encode(Mail("<ntf_1@souk.test>", recipient, subject, text, html))
    content, bare = encoded.content, encoded.content.replace(b"\r\n", b"")

    assert content.endswith(b"\r\n")
    assert b"\r" not in bare
    assert b"\n" not in bare
    assert b"\0" not in bare
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert encoded.needs_utf8 or content.isascii()
    head, _, body = content.partition(b"\r\n\r\n")
    assert body.isascii()
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert head.isascii() or encoded.needs_utf8


@pytest.mark.parametrize("text", ["\n", "\r", "\r\n", "\r\nBcc: jane@souk.test"])
def test_line_breaks_in_addresses_subjects_and_the_sender_are_rejected(text: str) -> None:
    encoder = MailEncoder("Souk <orders@souk.test>")
    for recipient in (f"john{text}@souk.test", f"john@souk.test{text}", f"{text}john@souk.test"):
        with pytest.raises(ValueError):  # noqa: PT011 - of several libraries
            encoder.encode(Mail("<ntf_1@souk.test>", recipient, "Hello", "", ""))
    with pytest.raises(ValueError):  # noqa: PT011 - of several libraries
        encoder.encode(Mail("<ntf_1@souk.test>", "john@souk.test", f"Hello{text}", "", ""))
    with pytest.raises(ValueError):  # noqa: PT011 - of several libraries
        MailEncoder(f"So{text}uk <orders@souk.test>")


@pytest.mark.parametrize(
    "recipient",
    ["", "john", "a@souk.test,b@souk.test", "a@souk.test, b@souk.test", "a> <b@souk.test"],
)
def test_what_is_not_one_address_is_rejected(recipient: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several libraries
        MailEncoder("Souk <orders@souk.test>").encode(Mail("<ntf_1@souk.test>", recipient, "Hello", "", ""))
