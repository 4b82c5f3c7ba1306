"""A request as GraphQL over HTTP says, read from JSON. Numbers of variables are exact decimals, never floats."""

from decimal import Decimal
from typing import Any, Final

import msgspec


class Body(msgspec.Struct):
    """What is asked."""

    query: str | None = None
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - as it is sent
    extensions: dict[str, Any] | None = None


DECODER: Final = msgspec.json.Decoder(Body, float_hook=Decimal)
