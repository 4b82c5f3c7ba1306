"""Responses that are already serialized."""


class Encoded:
    """A serialized response message, for handlers that have its bytes: it is sent as it is."""

    __slots__ = ("_body",)

    def __init__(self, body: bytes) -> None:
        self._body = body

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """The message."""
        return self._body
