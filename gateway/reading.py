"""A request as GraphQL over HTTP says, read from JSON. Numbers of variables are exact decimals, never floats."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final

import msgspec
from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLInputType,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
)

from kit.errors import InvalidArgument

_BOM: Final = b"\xef\xbb\xbf"
_LONGEST_NUMBER: Final = 100
_BACKSLASH = rb"(?<!\\)(?:\\\\)*"
_HIGH = rb"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# Half of a character: the first half without the second, or the other way round.
_LONE_SURROGATE: Final = re.compile(
    _BACKSLASH + rb"(?:" + _HIGH + rb"(?!" + _LOW + rb")|(?<!" + _HIGH + rb")" + _LOW + rb")"
)


class BadBody(InvalidArgument):
    """The body is no request of GraphQL."""

    code: ClassVar[str] = "BAD_REQUEST"
    reason = "BAD_REQUEST"


class Body(msgspec.Struct):
    """What is asked."""

    query: str | None = None
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - as it is sent
    extensions: dict[str, Any] | None = None


class Number(Decimal):
    """A number with a fraction or an exponent; errors show it as it was sent."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> "Number":
        if len(text) > _LONGEST_NUMBER:
            raise ValueError(f"a number may have {_LONGEST_NUMBER} characters at most")
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __inspect__(self) -> str:
        """What graphql-core calls to show a value."""
        return self.text

    def whole(self) -> int | None:
        """As an Int, if it is one: JSON does not tell 10 from 10.0 or 1e1."""
        # Compared first: the exponent may be a billion.
        if GRAPHQL_MIN_INT <= self <= GRAPHQL_MAX_INT and self == self.to_integral_value():
            return int(self)
        return None


_DECODER: Final = msgspec.json.Decoder(Body, float_hook=Number)
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any] | None, float_hook=Number)


def read(content: bytes) -> Body:
    """Raises BadBody, which says what is wrong."""
    try:
        return _DECODER.decode(content)
    except RecursionError:
        raise BadBody("the body is nested too deeply", reason="TOO_DEEP") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        if content.startswith(_BOM):
            return read(content[len(_BOM) :])
        raise _fault(content, error) from error


def read_object(text: str | None, name: str) -> dict[str, Any] | None:
    """Variables or extensions out of a URL; empty means none. Raises BadBody."""
    if not text:
        return None
    try:
        found: dict[str, Any] | None = _OBJECT.decode(text)
        return found
    except (msgspec.MsgspecError, RecursionError) as error:
        fault = _fault(text.encode(), error)
        raise BadBody(f"{name} must be an object in JSON: {fault.message}", reason=fault.reason) from error


def _fault(content: bytes, error: Exception) -> BadBody:
    if content.lstrip()[:1] == b"[":
        return BadBody("one request at a time, batches are off", reason="BATCHES_OFF")
    if (lone := _LONE_SURROGATE.search(content)) is not None:
        escape = lone[0][-6:].decode()
        message = (
            f"the body must be Unicode text: {escape} is half of a surrogate pair, which is no character"
        )
        return BadBody(message, reason="LONE_SURROGATE")
    if isinstance(error, UnicodeDecodeError):
        return BadBody(f"the body must be UTF-8: {error.reason}", reason="NOT_UTF8")
    return BadBody(f"the body must be a GraphQL request in JSON: {error}")


def fitted(variables: Mapping[str, Any], kinds: Mapping[str, GraphQLInputType]) -> dict[str, Any]:
    """The variables with whole numbers as what they are asked for: 10.0 and 1e1 are an Int, or an ID."""
    return {
        name: _fitted(value, kinds[name]) if name in kinds else value for name, value in variables.items()
    }


def _fitted(value: Any, kind: Any) -> Any:
    if is_non_null_type(kind):
        kind = kind.of_type
    if isinstance(value, Number):
        return _number(value, kind)
    if isinstance(value, list):
        of = kind.of_type if is_list_type(kind) else kind
        return [_fitted(each, of) for each in value]
    if isinstance(value, dict) and is_input_object_type(kind):
        fields = kind.fields
        return {
            name: _fitted(each, fields[name].type) if name in fields else each for name, each in value.items()
        }
    return value


def _number(value: Number, kind: Any) -> Any:
    while is_list_type(kind) or is_non_null_type(kind):
        # A list of one may be written without its brackets.
        kind = kind.of_type
    if kind.name == "Float":
        return float(value)
    whole = value.whole() if kind.name in ("Int", "ID") else None
    return value if whole is None else whole
