"""Errors on the wire: `google.rpc.Status` with `ErrorInfo(reason, domain, metadata)` and `BadRequest`
violations.

Details are metadata: text as it is, anything else as JSON, so that they read back as what they were.
"""

import orjson
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from kit.errors import Category, JsonValue, SoukError, Violation, error_class_for
from kit.errors.transport import category_from_grpc, grpc_code

DETAILS_KEY = "grpc-status-details-bin"
INTERNAL_MESSAGE = "something went wrong on our side"

_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"

# The trailers of a call are bounded; METADATA_BYTES is set on both sides (gRPC's own default is 8 KiB).
METADATA_BYTES = 64 * 1024
# The longest message, and what is left of it for a request or an answer that shares it with nothing.
MESSAGE_BYTES = 4 * 1024 * 1024
BODY_BYTES = MESSAGE_BYTES - METADATA_BYTES
_MOST_VIOLATIONS = 100
_LONGEST_MESSAGE = 500


def encode(error: SoukError, domain: str) -> bytes:
    """The serialized Status of an error; an Internal says nothing but that."""
    if error.category is Category.INTERNAL:
        status = Status(code=grpc_code(error), message=INTERNAL_MESSAGE)
        status.details.append(_packed(ErrorInfo(reason="INTERNAL", domain=domain)))
        return status.SerializeToString()
    status = Status(code=grpc_code(error), message=error.message[:_LONGEST_MESSAGE])
    info = ErrorInfo(reason=error.reason, domain=domain)
    for name, value in error.details.items():
        info.metadata[name] = _text(value)
    status.details.append(_packed(info))
    if error.fields:
        violations = BadRequest()
        for fault in error.fields[:_MOST_VIOLATIONS]:
            field = ".".join(map(str, fault.path))
            violations.field_violations.add(field=field, description=fault.message)
        status.details.append(_packed(violations))
    return status.SerializeToString()


def decode(status_bytes: bytes) -> SoukError:
    """The error that a serialized Status stands for."""
    status = Status.FromString(status_bytes)
    reason, details, fields = None, {}, []
    for detail in status.details:
        if detail.type_url == _ERROR_INFO:
            info = ErrorInfo()
            detail.Unpack(info)
            reason = info.reason
            details = {name: _value(text) for name, text in info.metadata.items()}
        elif detail.type_url == _BAD_REQUEST:
            violations = BadRequest()
            detail.Unpack(violations)
            fields = [Violation(_path(each.field), each.description) for each in violations.field_violations]
    kind = error_class_for(category_from_grpc(status.code))
    return kind(status.message, reason=reason, details=details, fields=fields)


def _packed(message: ErrorInfo | BadRequest) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed


def _text(value: JsonValue) -> str:
    # Text that would read back as something else is quoted.
    if isinstance(value, str) and _value(value) == value:
        return value
    return orjson.dumps(value).decode()


def _value(text: str) -> JsonValue:
    if text[:1] in ('"', "[", "{") or text in ("true", "false", "null") or text.lstrip("-").isdecimal():
        try:
            value: JsonValue = orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
        return value
    return text


def _path(field: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdecimal() else part for part in field.split(".")) if field else ()
