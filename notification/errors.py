"""The notification service's own errors.

SoukError
|- InvalidArgument
|  '- MailRefused      the mail server will never take this mail
|- Unavailable
|  '- MailDelayed      the mail server is away or busy; trying again may help
'- Internal
   '- MailNotRendered  its template asks for what its row does not have
"""

from kit.errors import Internal, InvalidArgument, Unavailable


class MailRefused(InvalidArgument):
    """The mail server refused the mail for good (a 5xx answer about it)."""

    reason = "MAIL_REFUSED"
    default_message = "the mail server refused the mail"


class MailDelayed(Unavailable):
    """The mail server could not be reached, or does not take the mail now (a 4xx answer, or any that is not about the mail)."""

    reason = "MAIL_DELAYED"
    default_message = "the mail server does not take mails now"


class MailNotRendered(Internal):
    """A template and what was written down for it do not fit; a later release may mend that."""

    reason = "MAIL_NOT_RENDERED"
    default_message = "the mail's template and its content do not fit"
