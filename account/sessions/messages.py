"""Converts tokens to protobuf."""

from souk.account.v1 import account_pb2

from account.sessions.domain import AuthResult
from kit.values import timestamp_to_proto


def tokens_to_proto(result: AuthResult) -> account_pb2.Tokens:
    """An access token and a refresh token as protobuf."""
    return account_pb2.Tokens(
        access_token=result.access_token,
        access_token_expire_time=timestamp_to_proto(result.access_token_expire_time),
        refresh_token=result.refresh_token,
        refresh_token_expire_time=timestamp_to_proto(result.refresh_token_expire_time),
    )
