"""Messages and close codes of graphql-transport-ws."""

from typing import Final

import msgspec

from kit.graphql.parsing import BadRequest, BadValue, GraphQLRequest, parse_body, replace_lone_surrogates

PROTOCOL: Final = "graphql-transport-ws"
NORMAL: Final = 1000
SHUTTING_DOWN: Final = 1001
POLICY_VIOLATION: Final = 1008
INTERNAL_ERROR: Final = 1011
TRY_AGAIN_LATER: Final = 1013
BAD_REQUEST: Final = 4400
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
INIT_TIMEOUT: Final = 4408
ALREADY_SUBSCRIBED: Final = 4409
TOO_MANY_REQUESTS: Final = 4429


class Message(msgspec.Struct):
    """A client's message."""

    type: str
    id: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b"null")


_MESSAGE = msgspec.json.Decoder(Message)


class Closing(Exception):
    """The socket must be closed with a code of the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def parse_payload(payload: bytes) -> GraphQLRequest | BadValue:
    """A bad value is returned, because it fails its operation only; raises Closing for anything else than a GraphQL request."""
    try:
        return parse_body(payload)
    except BadValue as error:
        return error
    except BadRequest as error:
        raise Closing(BAD_REQUEST, error.message) from None


def decode_message(text: str | bytes, max_bytes: int) -> Message:
    """Raises Closing."""
    if len(text) > max_bytes:
        raise Closing(BAD_REQUEST, f"the message exceeds {max_bytes:,} bytes")
    try:
        return _decode(text.encode() if isinstance(text, str) else text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Closing(BAD_REQUEST, f"not a message of {PROTOCOL}: {error}") from None


def _decode(content: bytes) -> Message:
    try:
        return _MESSAGE.decode(content)
    except (msgspec.MsgspecError, UnicodeError):
        if (replaced := replace_lone_surrogates(content)) == content:
            raise
    message = _MESSAGE.decode(replaced)
    # Its operation is rejected for what it contains.
    message.payload = msgspec.Raw(content)
    return message
