"""The way out: SMTP. A mail is handed over at least once; its Message-ID tells a repetition from another mail."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib
import idna

from kit.telemetry import span
from kit.values import utc_now
from notification.domain import Mail
from notification.errors import MailDelayed, MailRefused

# The whole hand-over; a row's lease is longer, so that nobody else hands the same mail over meanwhile.
_TIMEOUT_SECONDS = 10.0
# From here on an SMTP answer is for good (RFC 5321, 4.2.1).
_PERMANENT = 500
# "Service not available, closing": the server wants this connection no more.
_CLOSING = 421
# Servers close what is idle for minutes, and some after a number of mails.
_IDLE_SECONDS = 20.0
_MAILS_EACH = 100


@dataclass(slots=True)
class _Line:
    """A connection to the mail server."""

    client: aiosmtplib.SMTP
    mails: int
    used_at: float

    @property
    def is_worn(self) -> bool:
        return self.mails >= _MAILS_EACH or time.monotonic() - self.used_at > _IDLE_SECONDS


class SmtpMailer:
    """`ports.Mailer` over SMTP, as a resource; `tls` is none, starttls or tls.

    Connections are kept for the next mails: no more of them than were ever needed at once.
    """

    name = "smtp"

    def __init__(
        self, *, host: str, port: int, sender: str, username: str = "", password: str = "", tls: str = "none"
    ) -> None:
        self._host = host
        self._port = port
        self._sender = ascii_domain(sender)
        self._username = username or None
        self._password = password or None
        self._tls = tls
        self._idle: list[_Line] = []

    async def open(self) -> None:
        """Nothing: connections are made when there is a mail."""

    async def close(self) -> None:
        """Closes the connections that are kept."""
        while self._idle:
            self._idle.pop().client.close()

    async def ping(self) -> None:
        """Nothing to ask: mails wait for a server that is away."""

    async def send(self, mail: Mail) -> None:
        """Raises MailRefused or MailDelayed."""
        try:
            recipient = ascii_domain(mail.recipient)
        except ValueError as error:
            raise MailRefused() from error
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = recipient
        message["Subject"] = mail.subject
        message["Message-ID"] = mail.message_id
        message["Date"] = format_datetime(utc_now())
        # No "out of office" for what a machine wrote (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                with span("smtp send"):
                    async with self._line() as client:
                        await client.send_message(message)
        except aiosmtplib.SMTPNotSupported as error:
            # The part before the @ needs UTF-8, which this server does not take today or tomorrow (RFC 6531, 3.2).
            raise MailRefused() from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            answer = MailRefused if all(each.code >= _PERMANENT for each in error.recipients) else MailDelayed
            raise answer() from error
        except aiosmtplib.SMTPDataError as error:
            raise (MailRefused if error.code >= _PERMANENT else MailDelayed)() from error
        except (aiosmtplib.SMTPException, OSError) as error:
            # Greeting, login and sender too: an answer that is not about this mail is ours to mend, and the mails wait.
            raise MailDelayed() from error

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection for one mail; kept afterwards, unless it broke or somebody gave up in the middle of it."""
        line = await self._kept() or await self._new()
        is_sound = False
        try:
            yield line.client
            is_sound = True
        except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused) as error:
            is_sound = getattr(error, "code", 0) != _CLOSING
            raise
        finally:
            line.mails, line.used_at = line.mails + 1, time.monotonic()
            if is_sound and line.client.is_connected:
                self._idle.append(line)
            else:
                line.client.close()

    async def _kept(self) -> _Line | None:
        """One that still answers. It is asked before the mail: had the server gone amid a mail, nobody would know whether it was taken."""
        while self._idle:
            line = self._idle.pop()
            try:
                if not line.is_worn and line.client.is_connected:
                    await line.client.rset()
                    return line
            except (aiosmtplib.SMTPException, OSError):
                # Gone while nobody looked, which is what kept connections do; a new one says whether the server is there.
                pass
            line.client.close()
        return None

    async def _new(self) -> _Line:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            use_tls=self._tls == "tls",
            start_tls=self._tls == "starttls",
            timeout=_TIMEOUT_SECONDS,
        )
        await client.connect()
        return _Line(client, 0, time.monotonic())


def ascii_domain(address: str) -> str:
    """`address`, also as `Name <address>`, with its domain as DNS has it (RFC 5891); every mail server takes that one.

    Raises ValueError for a domain that has no such form.
    """
    start, at, domain = address.rpartition("@")
    name, bracket, rest = domain.partition(">")
    return start + at + (name if name.isascii() else idna.encode(name, uts46=True).decode()) + bracket + rest
