"""Errors of accounts.

SoukError
|- NotFound
|  '- AccountNotFound   the account does not exist, or the caller has no access to it
|- AlreadyExists
|  '- EmailTaken        another account has the email address
'- FailedPrecondition
   '- LastAdmin         the shop would have no ADMIN

ORDERS_OPEN comes from the order service and is passed on unchanged.
"""

from kit.errors import AlreadyExists, FailedPrecondition, NotFound


class EmailTaken(AlreadyExists):
    """Another account has this email address."""

    reason = "EMAIL_TAKEN"
    default_message = "an account with this email address already exists"


class LastAdmin(FailedPrecondition):
    """No other account could appoint an ADMIN afterwards."""

    reason = "LAST_ADMIN"
    default_message = "the last ADMIN can be neither deleted nor made a USER"


class AccountNotFound(NotFound):
    """No such account, or the caller has no access to it."""

    reason = "ACCOUNT_NOT_FOUND"
    default_message = "no such account"
