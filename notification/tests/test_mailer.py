"""The way out, to a mail server in this process: what arrives, and what each answer means."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kit.testing import free_port
from notification.domain import Mail
from notification.errors import MailDelayed, MailRefused
from notification.mailer import SmtpMailer
from notification.tests.edges import Postbox

MAIL = Mail(
    "<ntf_1@souk.test>", "john@souk.test", "Your order is confirmed", "Hello José\n", "<p>Hello José</p>"
)


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    box = Postbox(free_port())
    box.open()
    yield box
    box.close()


def mailer(port: int) -> SmtpMailer:
    return SmtpMailer(host="127.0.0.1", port=port, sender="Souk <orders@souk.test>")


async def test_a_mail_arrives_with_its_text_its_html_and_its_message_id(postbox: Postbox) -> None:
    await mailer(postbox.port).send(MAIL)

    [mail] = postbox.mails
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
async def test_a_server_without_utf8_gets_the_domain_as_dns_has_it(
    postbox: Postbox, address: str, received: str
) -> None:
    postbox.close()
    postbox.takes_utf8 = False
    postbox.open()
    await mailer(postbox.port).send(replace(MAIL, recipient=address))

    assert postbox.recipients == [received]
    assert postbox.mails[0]["To"] == received


async def test_a_mailbox_that_needs_utf8_arrives_where_the_server_takes_it(postbox: Postbox) -> None:
    await mailer(postbox.port).send(replace(MAIL, recipient="jörg@öko-laden.example"))
    assert postbox.recipients == ["jörg@xn--ko-laden-m4a.example"]


async def test_a_mailbox_that_needs_utf8_is_refused_for_good_where_the_server_does_not(
    postbox: Postbox,
) -> None:
    postbox.close()
    postbox.takes_utf8 = False
    postbox.open()
    with pytest.raises(MailRefused):
        await mailer(postbox.port).send(replace(MAIL, recipient="jörg@souk.test"))


@pytest.mark.parametrize("address", ["info@ö..example", f"info@{'ö' * 64}.example", "info@-ö.example"])
async def test_a_domain_that_dns_cannot_have_is_refused_for_good(postbox: Postbox, address: str) -> None:
    with pytest.raises(MailRefused):
        await mailer(postbox.port).send(replace(MAIL, recipient=address))
    assert postbox.recipients == []


async def test_the_senders_domain_is_as_dns_has_it_too(postbox: Postbox) -> None:
    smtp = SmtpMailer(host="127.0.0.1", port=postbox.port, sender="Öko-Laden <post@öko-laden.example>")
    await smtp.send(MAIL)
    assert postbox.mails[0]["From"] == "Öko-Laden <post@xn--ko-laden-m4a.example>"


@pytest.mark.parametrize("step", ["recipient", "data"])
async def test_a_5xx_answer_about_the_mail_is_for_good(postbox: Postbox, step: str) -> None:
    setattr(postbox, step, "550 no such mailbox")
    with pytest.raises(MailRefused):
        await mailer(postbox.port).send(MAIL)


@pytest.mark.parametrize("step", ["sender", "recipient", "data"])
async def test_a_4xx_answer_means_later(postbox: Postbox, step: str) -> None:
    setattr(postbox, step, "451 busy")
    with pytest.raises(MailDelayed):
        await mailer(postbox.port).send(MAIL)


async def test_a_refused_sender_is_ours_to_mend_and_the_mail_waits(postbox: Postbox) -> None:
    postbox.sender = "550 who are you"
    with pytest.raises(MailDelayed):
        await mailer(postbox.port).send(MAIL)


async def test_one_connection_serves_many_mails(postbox: Postbox) -> None:
    smtp = mailer(postbox.port)
    for _ in range(5):
        await smtp.send(MAIL)
    assert len(postbox.mails) == 5
    assert postbox.connections == 1
    await smtp.close()


async def test_a_refused_mail_does_not_cost_the_connection_and_leaves_nothing_behind(
    postbox: Postbox,
) -> None:
    smtp = mailer(postbox.port)
    postbox.recipient = "550 no such mailbox"
    with pytest.raises(MailRefused):
        await smtp.send(MAIL)
    postbox.recipient = "250 OK"
    await smtp.send(replace(MAIL, recipient="jane@souk.test"))
    assert [mail["To"] for mail in postbox.mails] == ["jane@souk.test"]
    assert postbox.connections == 1
    await smtp.close()


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced(postbox: Postbox) -> None:
    smtp = mailer(postbox.port)
    await smtp.send(MAIL)
    postbox.close()
    postbox.open()
    await smtp.send(MAIL)
    assert len(postbox.mails) == 2
    assert postbox.connections == 2
    await smtp.close()


async def test_a_server_that_closes_is_left_and_the_mail_waits(postbox: Postbox) -> None:
    smtp = mailer(postbox.port)
    postbox.sender = "421 closing"
    with pytest.raises(MailDelayed):
        await smtp.send(MAIL)
    postbox.sender = "250 OK"
    await smtp.send(MAIL)
    assert (len(postbox.mails), postbox.connections) == (1, 2)
    await smtp.close()


async def test_a_connection_that_dies_before_the_answer_means_later_and_the_repeat_is_recognisable(
    postbox: Postbox,
) -> None:
    smtp = mailer(postbox.port)
    await smtp.send(MAIL)
    postbox.dumb = 1
    with pytest.raises(MailDelayed):
        await smtp.send(replace(MAIL, message_id="<ntf_2@souk.test>"))
    await smtp.send(replace(MAIL, message_id="<ntf_2@souk.test>"))
    assert [mail["Message-ID"] for mail in postbox.mails] == [
        "<ntf_1@souk.test>",
        "<ntf_2@souk.test>",
        "<ntf_2@souk.test>",
    ]
    assert postbox.connections == 2
    await smtp.close()


async def test_mails_at_once_have_a_connection_each(postbox: Postbox) -> None:
    smtp = mailer(postbox.port)
    for _ in range(2):
        await asyncio.gather(*(smtp.send(MAIL) for _ in range(4)))
    assert len(postbox.mails) == 8
    assert postbox.connections == 4
    await smtp.close()


async def test_a_mail_server_that_is_away_means_later() -> None:
    with pytest.raises(MailDelayed):
        await mailer(free_port()).send(MAIL)
