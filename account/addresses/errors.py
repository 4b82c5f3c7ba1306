"""Errors of saved addresses.

SoukError
|- NotFound
|  '- AddressNotFound   it does not exist or belongs to another account
'- FailedPrecondition
   '- AddressLimit      the account has the maximum number of addresses
"""

from kit.errors import FailedPrecondition, NotFound


class AddressLimit(FailedPrecondition):
    """The account has the maximum number of addresses."""

    reason = "ADDRESS_LIMIT"
    default_message = "the account has 50 addresses already: delete one first"


class AddressNotFound(NotFound):
    """No such address, or it is not the caller's."""

    reason = "ADDRESS_NOT_FOUND"
    default_message = "no such address"
