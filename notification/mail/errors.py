"""Errors of sending mail.

SoukError
|- InvalidArgument
|  '- MailRejected              the mail server will never accept this mail
|- Unavailable
|  '- TemporaryDeliveryFailure  the mail server is unavailable or busy; a retry may succeed
'- Internal
   '- MailNotRendered           the template uses a variable that the notification does not have
"""

from kit.errors import Internal, InvalidArgument, Unavailable


class MailRejected(InvalidArgument):
    """The mail server rejected the mail permanently (a 5xx reply about it)."""

    reason = "MAIL_REFUSED"
    default_message = "the mail server rejected the mail"


class TemporaryDeliveryFailure(Unavailable):
    """The mail server could not be reached, or replied 4xx, or with an error that is not about the mail."""

    reason = "MAIL_DELAYED"
    default_message = "mail server temporarily unavailable"


class MailNotRendered(Internal):
    """A template and a notification's context do not match; a later release may fix that."""

    reason = "MAIL_NOT_RENDERED"
    default_message = "mail template could not be rendered"
