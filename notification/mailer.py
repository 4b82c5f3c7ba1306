"""The way out: SMTP. A mail is handed over at least once; its Message-ID tells a repetition from another mail."""

import asyncio
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from kit.values import utc_now
from notification.domain import Mail
from notification.errors import MailDelayed, MailRefused

# The whole hand-over; a row's lease is longer, so that nobody else hands the same mail over meanwhile.
_TIMEOUT_SECONDS = 10.0
# From here on an SMTP answer is for good (RFC 5321, 4.2.1).
_PERMANENT = 500


class SmtpMailer:
    """`ports.Mailer` over SMTP; `tls` is none, starttls or tls."""

    def __init__(
        self, *, host: str, port: int, sender: str, username: str = "", password: str = "", tls: str = "none"
    ) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._username = username or None
        self._password = password or None
        self._tls = tls

    async def send(self, mail: Mail) -> None:
        """Raises MailRefused or MailDelayed."""
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = mail.recipient
        message["Subject"] = mail.subject
        message["Message-ID"] = mail.message_id
        message["Date"] = format_datetime(utc_now())
        # No "out of office" for what a machine wrote (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._hand_over(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            answer = MailRefused if all(each.code >= _PERMANENT for each in error.recipients) else MailDelayed
            raise answer() from error
        except aiosmtplib.SMTPDataError as error:
            raise (MailRefused if error.code >= _PERMANENT else MailDelayed)() from error
        except (aiosmtplib.SMTPException, OSError) as error:
            # Greeting, login and sender too: an answer that is not about this mail is ours to mend, and the mails wait.
            raise MailDelayed() from error

    async def _hand_over(self, message: EmailMessage) -> None:
        await aiosmtplib.send(
            message,
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            use_tls=self._tls == "tls",
            start_tls=self._tls == "starttls",
            timeout=_TIMEOUT_SECONDS,
        )
