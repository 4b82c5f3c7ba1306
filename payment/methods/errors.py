"""Errors of saved payment methods.

SoukError
|- NotFound
|  '- MethodNotFound   the method does not exist or belongs to another account
'- FailedPrecondition
   '- MethodLimit      the account has as many methods as it may
"""

from kit.errors import FailedPrecondition, NotFound
from payment.methods.domain import MAX_METHODS


class MethodNotFound(NotFound):
    """The method does not exist or belongs to another account; the error does not say which."""

    reason = "METHOD_NOT_FOUND"
    default_message = "payment method not found"


class MethodLimit(FailedPrecondition):
    """The account has the greatest number of saved methods; one must be deleted first."""

    reason = "METHOD_LIMIT"
    default_message = f"at most {MAX_METHODS} saved payment methods: delete one first"
