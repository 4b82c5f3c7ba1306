"""SmtpMailer against a mail server in this process: what arrives, and what each reply means."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kit.testing import free_port
from notification.mail.domain import Mail
from notification.mail.errors import MailRejected, TemporaryDeliveryFailure
from notification.smtp.connection import SmtpServer
from notification.smtp.mailer import SmtpMailer
from notification.smtp.tests.mail_server import FakeMailServer

MAIL = Mail(
    "<ntf_1@souk.test>", "john@souk.test", "Your order is confirmed", "Hello José\n", "<p>Hello José</p>"
)


@pytest.fixture(params=[True, False], ids=["pipelining", "one command at a time"])
def server(request: pytest.FixtureRequest) -> Iterator[FakeMailServer]:
    server = FakeMailServer(free_port(), offers_pipelining=request.param)
    server.open()
    yield server
    server.close()


def mailer(port: int) -> SmtpMailer:
    return SmtpMailer(SmtpServer("127.0.0.1", port), sender="Souk <orders@souk.test>")


async def test_a_mail_arrives_with_its_text_its_html_and_its_message_id(server: FakeMailServer) -> None:
    await mailer(server.port).send(MAIL)

    [mail] = server.mails
    assert (mail["Message-ID"], mail["To"], mail["From"], mail["Subject"]) == (
        "<ntf_1@souk.test>",
        "john@souk.test",
        "Souk <orders@souk.test>",
        "Your order is confirmed",
    )
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text
    assert html
    assert "Hello José" in text.get_content()
    assert "<p>Hello José</p>" in html.get_content()


@pytest.mark.parametrize(
    ("address", "received"),
    [
        ("info@öko-laden.example", "info@xn--ko-laden-m4a.example"),
        ("info@日本語.example", "info@xn--wgv71a119e.example"),
        ("info@mail.BÜCHER.example", "info@mail.xn--bcher-kva.example"),
        ("info@straße.example", "info@xn--strae-oqa.example"),
    ],
)
async def test_a_server_without_utf8_gets_the_domain_in_ascii(
    server: FakeMailServer, address: str, received: str
) -> None:
    server.reopen(offers_utf8=False)
    await mailer(server.port).send(replace(MAIL, recipient=address))

    assert server.recipients == [received]
    assert server.mails[0]["To"] == received


async def test_a_mailbox_name_that_needs_utf8_arrives_if_the_server_supports_it(
    server: FakeMailServer,
) -> None:
    await mailer(server.port).send(replace(MAIL, recipient="jörg@öko-laden.example"))
    assert server.recipients == ["jörg@xn--ko-laden-m4a.example"]


async def test_a_mailbox_name_that_needs_utf8_is_rejected_if_the_server_does_not_support_it(
    server: FakeMailServer,
) -> None:
    server.reopen(offers_utf8=False)
    with pytest.raises(MailRejected):
        await mailer(server.port).send(replace(MAIL, recipient="jörg@souk.test"))


async def test_lines_that_start_with_dots_arrive_as_they_are(server: FakeMailServer) -> None:
    text = ".\n..\n.a\nb.\n"
    await mailer(server.port).send(replace(MAIL, text=text))
    body = server.mails[0].get_body(("plain",))
    assert body
    assert body.get_content().replace("\r\n", "\n") == text


@pytest.mark.parametrize(
    "address",
    [
        "info@ö..example",
        f"info@{'ö' * 64}.example",
        "info@-ö.example",
        "info@souk.test\r\nBcc: jane@souk.test",
    ],
)
async def test_an_invalid_address_is_rejected(server: FakeMailServer, address: str) -> None:
    with pytest.raises(MailRejected):
        await mailer(server.port).send(replace(MAIL, recipient=address))
    assert server.recipients == []


async def test_the_senders_domain_is_in_ascii_too(server: FakeMailServer) -> None:
    smtp = SmtpMailer(SmtpServer("127.0.0.1", server.port), sender="Öko-Laden <post@öko-laden.example>")
    await smtp.send(MAIL)
    assert server.mails[0]["From"] == "Öko-Laden <post@xn--ko-laden-m4a.example>"


@pytest.mark.parametrize("step", ["recipient", "data"])
async def test_a_5xx_reply_about_the_mail_is_permanent(server: FakeMailServer, step: str) -> None:
    setattr(server, step, "550 no such mailbox")
    with pytest.raises(MailRejected):
        await mailer(server.port).send(MAIL)


@pytest.mark.parametrize("step", ["sender", "recipient", "data"])
async def test_a_4xx_reply_is_temporary(server: FakeMailServer, step: str) -> None:
    setattr(server, step, "451 busy")
    with pytest.raises(TemporaryDeliveryFailure):
        await mailer(server.port).send(MAIL)


async def test_a_rejected_sender_is_our_fault_so_the_mail_is_retried(server: FakeMailServer) -> None:
    server.sender = "550 who are you"
    with pytest.raises(TemporaryDeliveryFailure):
        await mailer(server.port).send(MAIL)


async def test_one_connection_sends_many_mails(server: FakeMailServer) -> None:
    smtp = mailer(server.port)
    for _ in range(5):
        await smtp.send(MAIL)
    assert len(server.mails) == 5
    assert server.connections == 1
    await smtp.close()


async def test_the_connection_is_reused_after_a_rejected_mail(
    server: FakeMailServer,
) -> None:
    smtp = mailer(server.port)
    server.recipient = "550 no such mailbox"
    with pytest.raises(MailRejected):
        await smtp.send(MAIL)
    server.recipient = "250 OK"
    await smtp.send(replace(MAIL, recipient="jane@souk.test"))
    assert [mail["To"] for mail in server.mails] == ["jane@souk.test"]
    assert server.connections == 1
    await smtp.close()


async def test_a_connection_that_the_server_closed_is_replaced(server: FakeMailServer) -> None:
    smtp = mailer(server.port)
    await smtp.send(MAIL)
    server.reopen()
    await smtp.send(MAIL)
    assert len(server.mails) == 2
    assert server.connections == 2
    await smtp.close()


async def test_a_421_reply_closes_the_connection_and_the_mail_is_retried(server: FakeMailServer) -> None:
    smtp = mailer(server.port)
    server.sender = "421 closing"
    with pytest.raises(TemporaryDeliveryFailure):
        await smtp.send(MAIL)
    server.sender = "250 OK"
    await smtp.send(MAIL)
    assert (len(server.mails), server.connections) == (1, 2)
    await smtp.close()


async def test_a_connection_lost_before_the_reply_is_temporary_and_the_retry_has_the_same_message_id(
    server: FakeMailServer,
) -> None:
    smtp = mailer(server.port)
    await smtp.send(MAIL)
    server.drops = 1
    with pytest.raises(TemporaryDeliveryFailure):
        await smtp.send(replace(MAIL, message_id="<ntf_2@souk.test>"))
    await smtp.send(replace(MAIL, message_id="<ntf_2@souk.test>"))
    assert [mail["Message-ID"] for mail in server.mails] == [
        "<ntf_1@souk.test>",
        "<ntf_2@souk.test>",
        "<ntf_2@souk.test>",
    ]
    assert server.connections == 2
    await smtp.close()


async def test_concurrent_mails_have_a_connection_each(server: FakeMailServer) -> None:
    smtp = mailer(server.port)
    for _ in range(2):
        await asyncio.gather(*(smtp.send(MAIL) for _ in range(4)))
    assert len(server.mails) == 8
    assert server.connections == 4
    await smtp.close()


async def test_an_unreachable_mail_server_is_temporary() -> None:
    with pytest.raises(TemporaryDeliveryFailure):
        await mailer(free_port()).send(MAIL)
