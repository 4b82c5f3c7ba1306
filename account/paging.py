"""The page that a list request asks for."""

from souk.account.v1 import account_service_pb2 as pb

from kit.values import FieldReader, Position, decode_position


def page_from_proto(
    request: pb.ListAccountsRequest | pb.ListAuditEventsRequest, scope: str
) -> tuple[Position | None, int]:
    """The position to continue from and the page size; raises InvalidArgument, also for a cursor of another list."""
    reading = FieldReader()
    size = reading.page_size(request.page_size, "first")
    reading.raise_if_invalid()
    return decode_position(request.page_token, scope, "after"), size
