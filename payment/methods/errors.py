"""Errors of saved payment methods.

SoukError
|- NotFound
|  '- MethodNotFound   the method does not exist or belongs to another account
|- FailedPrecondition
|  '- MethodLimit      the account has as many methods as it may
'- ResourceExhausted
   '- TooManySetups    the account started too many setups within an hour
"""

from kit.errors import FailedPrecondition, NotFound, ResourceExhausted
from payment.methods.domain import MAX_METHODS


class MethodNotFound(NotFound):
    """The method does not exist or belongs to another account; the error does not say which."""

    reason = "METHOD_NOT_FOUND"
    default_message = "payment method not found"


class MethodLimit(FailedPrecondition):
    """The account has the greatest number of saved methods; one must be deleted first."""

    reason = "METHOD_LIMIT"
    default_message = f"at most {MAX_METHODS} saved payment methods: delete one first"


class TooManySetups(ResourceExhausted):
    """The account started to save too many methods within the last hour: a stolen list of cards can be tried in setups too."""

    reason = "TOO_MANY_METHOD_SETUPS"
    default_message = "too many attempts to save a payment method within the last hour, try again later"
