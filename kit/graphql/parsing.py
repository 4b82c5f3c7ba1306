"""GraphQL requests from JSON and from URLs. Numbers in variables are exact decimals, never floats."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl

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
MAX_NUMBER_LENGTH: Final = 100
# Where msgspec reports an error: in one value of the client's, not in the request's own fields.
_IN_VALUE: Final = re.compile(r" - at `\$(?:\.(?:variables|extensions))?\[")
_PARAMETERS: Final = ("query", "variables", "operationName", "extensions")
_MAX_PARAMETERS: Final = 20
_BACKSLASH = rb"(?<!\\)(?:\\\\)*"
_HIGH = rb"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# Either half of a surrogate pair without the other.
_LONE_SURROGATE: Final = re.compile(
    _BACKSLASH + rb"(?:" + _HIGH + rb"(?!" + _LOW + rb")|(?<!" + _HIGH + rb")" + _LOW + rb")"
)


class BadRequest(InvalidArgument):
    """Not a well-formed GraphQL request."""

    code: ClassVar[str] = "BAD_REQUEST"
    reason = "BAD_REQUEST"


class BadValue(BadRequest):
    """A well-formed request with a value that cannot be read."""


class GraphQLRequest(msgspec.Struct):
    """A request as GraphQL over HTTP defines it."""

    query: str | None = None
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - the name on the wire
    extensions: dict[str, Any] | None = None


class Number(Decimal):
    """A number with a fraction or an exponent; errors show it as the client wrote it."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> "Number":
        if len(text) > MAX_NUMBER_LENGTH:
            raise ValueError(f"a number may have up to {MAX_NUMBER_LENGTH} characters")
        try:
            number = super().__new__(cls, text)
        except InvalidOperation:
            raise ValueError(f"the exponent of {text} is out of range") from None
        number.text = text
        return number

    def __inspect__(self) -> str:
        """graphql-core's hook for showing a value in an error."""
        return self.text

    def to_int(self) -> int | None:
        """The number as an Int, None if it is none: JSON does not distinguish 10, 10.0 and 1e1."""
        # The range first: int() of an exponent of a billion takes forever.
        if GRAPHQL_MIN_INT <= self <= GRAPHQL_MAX_INT and self == self.to_integral_value():
            return int(self)
        return None


_DECODER: Final = msgspec.json.Decoder(GraphQLRequest, float_hook=Number)
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any] | None, float_hook=Number)


def parse_body(content: bytes) -> GraphQLRequest:
    """Raises BadRequest."""
    try:
        return _DECODER.decode(content)
    except RecursionError:
        raise BadRequest("the body is nested too deeply", reason="TOO_DEEP") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        if content.startswith(_BOM):
            return parse_body(content[len(_BOM) :])
        raise _bad_request(content, error) from error


def replace_lone_surrogates(content: bytes) -> bytes:
    """The JSON text with U+FFFD in place of each half of a surrogate pair."""
    return _LONE_SURROGATE.sub(lambda match: match[0][:-6] + b"\\ufffd", content)


def parse_url_query(query_string: bytes) -> GraphQLRequest:
    """Raises BadRequest."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_PARAMETERS,
        )
    except ValueError as error:
        raise BadRequest("the URL's query must be percent-encoded UTF-8") from error
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters and name in _PARAMETERS:
            raise BadRequest(f"{name} must appear only once")
        parameters[name] = value
    return GraphQLRequest(
        parameters.get("query"),
        _parse_object(parameters.get("variables"), "variables"),
        parameters.get("operationName") or None,
        _parse_object(parameters.get("extensions"), "extensions"),
    )


def _parse_object(text: str | None, name: str) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        value: dict[str, Any] | None = _OBJECT.decode(text)
        return value
    except (msgspec.MsgspecError, RecursionError) as error:
        cause = _bad_request(text.encode(), error)
        raise type(cause)(f"{name} must be a JSON object: {cause.message}", reason=cause.reason) from error


def _bad_request(content: bytes, error: Exception) -> BadRequest:
    if content.lstrip()[:1] == b"[":
        return BadRequest("batched requests are not supported", reason="BATCHES_OFF")
    if (match := _LONE_SURROGATE.search(content)) is not None:
        escape = match[0][-6:].decode()
        message = f"the body must be Unicode text: {escape} is half of a surrogate pair"
        return BadValue(message, reason="LONE_SURROGATE")
    if isinstance(error, UnicodeDecodeError):
        return BadRequest(f"the body must be UTF-8: {error.reason}", reason="NOT_UTF8")
    kind = BadValue if _IN_VALUE.search(str(error)) else BadRequest
    return kind(f"the body must be a GraphQL request in JSON: {error}")


def convert_numbers(variables: Mapping[str, Any], types: Mapping[str, GraphQLInputType]) -> dict[str, Any]:
    """The variables with each Number as what its type takes: 10.0 and 1e1 are valid for Int and ID."""
    return {
        name: _convert(value, types[name]) if name in types else value for name, value in variables.items()
    }


def _convert(value: Any, kind: Any) -> Any:
    if is_non_null_type(kind):
        kind = kind.of_type
    if isinstance(value, Number):
        return _convert_number(value, kind)
    if isinstance(value, list):
        item_type = kind.of_type if is_list_type(kind) else kind
        return [_convert(item, item_type) for item in value]
    if isinstance(value, dict) and is_input_object_type(kind):
        fields = kind.fields
        return {
            name: _convert(item, fields[name].type) if name in fields else item
            for name, item in value.items()
        }
    return value


def _convert_number(value: Number, kind: Any) -> Any:
    while is_list_type(kind) or is_non_null_type(kind):
        # A list of one may be written without brackets.
        kind = kind.of_type
    if kind.name == "Float":
        return float(value)
    whole = value.to_int() if kind.name in ("Int", "ID") else None
    return value if whole is None else whole
