"""SMTP delivery, at least once; receivers recognise a repeated mail by its Message-ID."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiosmtplib

from kit.telemetry import span
from notification.mail.domain import Mail
from notification.mail.encoding import EncodedMail, MailEncoder
from notification.mail.errors import MailRejected, TemporaryDeliveryFailure

# For one mail; shorter than the row's lease, so that no other worker sends the same mail concurrently.
_TIMEOUT_SECONDS = 10.0
# SMTP replies from here on are permanent (RFC 5321, 4.2.1).
_PERMANENT = 500
# "Service not available, closing transmission channel": the server closes this connection.
_CLOSING = 421
# Servers close connections that are idle for minutes, and some limit the mails per connection.
_MAX_IDLE_SECONDS = 20.0
_MAX_MAILS_PER_CONNECTION = 100


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Address and login of a mail server; `tls` is none, starttls or tls. An empty `username` means no login."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    tls: str = "none"


@dataclass(slots=True)
class _Connection:
    """A connection to the mail server."""

    client: aiosmtplib.SMTP
    mails: int
    used_at: float

    @property
    def is_stale(self) -> bool:
        return self.mails >= _MAX_MAILS_PER_CONNECTION or time.monotonic() - self.used_at > _MAX_IDLE_SECONDS


class SmtpMailer:
    """`ports.Mailer` over SMTP, as a resource.

    Connections are reused; there are at most as many as mails were sent concurrently.
    """

    name = "smtp"

    def __init__(self, server: SmtpServer, *, sender: str) -> None:
        self._server = server
        self._encoder = MailEncoder(sender)
        self._idle: list[_Connection] = []

    async def open(self) -> None:
        """Does nothing: connections are opened when there is a mail."""

    async def close(self) -> None:
        """Closes the idle connections."""
        while self._idle:
            self._idle.pop().client.close()

    async def ping(self) -> None:
        """Does nothing: an unavailable mail server does not make the service unready, mails stay queued."""

    async def send(self, mail: Mail) -> None:
        """Raises MailRejected or TemporaryDeliveryFailure."""
        try:
            encoded = self._encoder.encode(mail)
        except ValueError as error:
            raise MailRejected() from error
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                with span("smtp send"):
                    async with self._connection() as client:
                        await _send(client, encoded)
        except aiosmtplib.SMTPNotSupported as error:
            # The mailbox name needs SMTPUTF8, which this server does not offer (RFC 6531, 3.2); retrying is useless.
            raise MailRejected() from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            is_permanent = all(recipient.code >= _PERMANENT for recipient in error.recipients)
            raise (MailRejected if is_permanent else TemporaryDeliveryFailure)() from error
        except aiosmtplib.SMTPDataError as error:
            raise (MailRejected if error.code >= _PERMANENT else TemporaryDeliveryFailure)() from error
        except (aiosmtplib.SMTPException, OSError) as error:
            # Errors of greeting, login or sender are about us, not about this mail: it waits until an operator has fixed them.
            raise TemporaryDeliveryFailure() from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection for one mail; kept for reuse, unless it broke or the caller was cancelled halfway."""
        connection = await self._reuse_connection() or await self._connect()
        is_reusable = False
        try:
            yield connection.client
            is_reusable = True
        except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused) as error:
            is_reusable = getattr(error, "code", 0) != _CLOSING
            raise
        finally:
            connection.mails, connection.used_at = connection.mails + 1, time.monotonic()
            if is_reusable and connection.client.is_connected:
                self._idle.append(connection)
            else:
                connection.client.close()

    async def _reuse_connection(self) -> _Connection | None:
        """An idle connection that answers RSET. A connection that died after DATA would leave unclear whether the mail was accepted."""
        while self._idle:
            connection = self._idle.pop()
            try:
                if not connection.is_stale and connection.client.is_connected:
                    await connection.client.rset()
                    return connection
            except (aiosmtplib.SMTPException, OSError):
                # The server closed it while it was idle, which is normal.
                pass
            connection.client.close()
        return None

    async def _connect(self) -> _Connection:
        client = aiosmtplib.SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.username or None,
            password=self._server.password or None,
            use_tls=self._server.tls == "tls",
            start_tls=self._server.tls == "starttls",
            timeout=_TIMEOUT_SECONDS,
        )
        await client.connect()
        return _Connection(client, 0, time.monotonic())


async def _send(client: aiosmtplib.SMTP, mail: EncodedMail) -> None:
    options = ["SMTPUTF8", "BODY=8BITMIME"] if mail.needs_utf8 else []
    await client.sendmail(mail.sender, [mail.recipient], mail.content, mail_options=options)
