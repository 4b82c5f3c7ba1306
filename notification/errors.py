"""The notification service's own errors.

SoukError
|- InvalidArgument
|  '- MailRefused    the mail server will never take this mail
'- Unavailable
   '- MailDelayed    the mail server is away or busy; trying again may help
"""

from kit.errors import InvalidArgument, Unavailable


class MailRefused(InvalidArgument):
    """The mail server refused the mail for good (a 5xx answer)."""

    reason = "MAIL_REFUSED"
    default_message = "the mail server refused the mail"


class MailDelayed(Unavailable):
    """The mail server could not be reached, or cannot take the mail now (a 4xx answer)."""

    reason = "MAIL_DELAYED"
    default_message = "the mail server does not take mails now"
