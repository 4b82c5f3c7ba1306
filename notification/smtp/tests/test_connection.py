"""What goes over a connection to a mail server: the order of commands and replies, and TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kit.testing import eventually, free_port
from kit.testing.certificates import Authority
from notification.mail.domain import Mail
from notification.mail.errors import MailRejected, TemporaryDeliveryFailure
from notification.smtp.connection import SmtpServer
from notification.smtp.mailer import SmtpMailer
from notification.smtp.tests.mail_server import FakeMailServer

MAIL = Mail("<ntf_1@souk.test>", "john@souk.test", "Hello", "Hello\n", "<p>Hello</p>")
ACCEPTED = (b"250 OK\r\n250 OK\r\n250 OK\r\n354 go on\r\n", b"250 OK\r\n")


@dataclass
class Script:
    """A mail server with PIPELINING that replies to each read with the next of `replies`, in small pieces; keeps what it read."""

    port: int
    replies: list[bytes]
    reads: list[bytes] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    closed: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        writer.write(b"220 hello\r\n")
        await reader.read(10_000)
        await self.reply(writer, b"250-souk.test\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n")
        await reader.read(10_000)
        await self.reply(writer, b"250 OK\r\n")
        with suppress(ConnectionError):
            while read := await reader.read(10_000):
                self.reads.append(read)
                await self.reply(writer, self.replies.pop(0))
        self.closed += 1
        writer.close()

    async def reply(self, writer: asyncio.StreamWriter, reply: bytes) -> None:
        for start in range(0, len(reply), 5):
            writer.write(reply[start : start + 5])
            await writer.drain()
            await asyncio.sleep(0)


@asynccontextmanager
async def scripted(replies: Sequence[bytes]) -> AsyncIterator[tuple[Script, SmtpMailer]]:
    script = Script(free_port(), list(replies))
    smtp = SmtpMailer(SmtpServer("127.0.0.1", script.port), sender="Souk <orders@souk.test>")
    async with await asyncio.start_server(script.serve, "127.0.0.1", script.port):
        yield script, smtp
        await smtp.close()
        await eventually(lambda: script.closed == len(script.writers))


async def test_the_commands_of_a_mail_arrive_together_and_its_content_after_their_replies() -> None:
    async with scripted(ACCEPTED * 2) as (server, smtp):
        await smtp.send(MAIL)
        await smtp.send(MAIL)

        envelope, content, *second = server.reads
        assert envelope == (
            b"RSET\r\nMAIL FROM:<orders@souk.test> SIZE=%d\r\nRCPT TO:<john@souk.test>\r\nDATA\r\n"
            % (len(content) - len(b".\r\n"))
        )
        assert content.startswith(b"From: Souk <orders@souk.test>\r\n")
        assert content.endswith(b"--\r\n.\r\n")
        assert second[0] == envelope
        assert len(server.writers) == 1


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        (b"250 OK\r\n250 OK\r\n550-no such\r\n550 mailbox\r\n354 go on\r\n", MailRejected),
        (b"250 OK\r\n250 OK\r\n451 busy\r\n354 go on\r\n", TemporaryDeliveryFailure),
        (b"250 OK\r\n550 who are you\r\n503 no sender\r\n354 go on\r\n", TemporaryDeliveryFailure),
    ],
)
async def test_a_server_that_waits_for_the_content_of_a_rejected_mail_gets_none(
    replies: bytes, error: type[Exception]
) -> None:
    async with scripted([replies, *ACCEPTED]) as (server, smtp):
        with pytest.raises(error):
            await smtp.send(MAIL)
        await smtp.send(MAIL)
        assert len(server.reads) == 3
        assert len(server.writers) == 2


@pytest.mark.parametrize("reply", [b"nonsense\r\n" * 4, b"x" * 10_000, b"250 OK\r\n" * 4, b"421 bye\r\n" * 4])
async def test_an_answer_that_is_no_acceptance_is_temporary_and_ends_the_connection(reply: bytes) -> None:
    async with scripted([reply, *ACCEPTED]) as (server, smtp):
        with pytest.raises(TemporaryDeliveryFailure):
            await smtp.send(MAIL)
        await smtp.send(MAIL)
        assert len(server.writers) == 2


async def test_a_farewell_of_the_server_between_mails_is_not_taken_for_a_reply() -> None:
    async with scripted(ACCEPTED * 2) as (server, smtp):
        await smtp.send(MAIL)
        [writer] = server.writers
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await server.reply(writer, b"421 idle for too long\r\n")
        await smtp.send(MAIL)
        writer.transport.abort()
        assert len(server.reads) == 4
        assert len(server.writers) == 2


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_mails_are_sent_over_an_encrypted_connection(
    tls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.server("smtp"))
    server = FakeMailServer(free_port(), tls=tls, context=context)
    server.open()
    smtp = SmtpMailer(SmtpServer("127.0.0.1", server.port, tls=tls), sender="Souk <orders@souk.test>")
    for _ in range(2):
        await smtp.send(MAIL)
    await smtp.close()
    server.close()

    assert [mail["To"] for mail in server.mails] == ["john@souk.test"] * 2
