"""Saved methods -> the contract's messages."""

from souk.payment.v1 import saved_method_pb2 as pb

from kit.values import ACCOUNT, PAYMENT_METHOD, timestamp_to_proto
from payment.methods.domain import SavedMethod


def method_to_proto(method: SavedMethod) -> pb.SavedMethod:
    """A SAVED method."""
    return pb.SavedMethod(
        id=PAYMENT_METHOD.format(method.id),
        account_id=ACCOUNT.format(method.account_id),
        brand=method.brand,
        last4=method.last4,
        exp_month=method.exp_month,
        exp_year=method.exp_year,
        is_default=method.is_default,
        create_time=timestamp_to_proto(method.create_time),
    )
