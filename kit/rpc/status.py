"""Errors on the wire: `google.rpc.Status` with `ErrorInfo(reason, domain, metadata)` and `BadRequest` violations.

Details become metadata: text as it is, anything else as JSON, so that they decode to the same values.
"""

import orjson
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from kit.errors import INTERNAL_MESSAGE, Category, JsonValue, SoukError, Violation, error_class_for
from kit.errors.transport import category_from_grpc, grpc_code

DETAILS_KEY = "grpc-status-details-bin"

_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"

# Limit of metadata and trailers on both sides (gRPC's default is 8 KiB).
METADATA_BYTES = 64 * 1024
# The maximum message, and the maximum request or response that has a message to itself.
MESSAGE_BYTES = 4 * 1024 * 1024
BODY_BYTES = MESSAGE_BYTES - METADATA_BYTES
_MAX_VIOLATIONS = 100
_MAX_MESSAGE_LENGTH = 500


def encode(error: SoukError, domain: str) -> bytes:
    """The serialized Status of an error; an Internal error shows no details."""
    if error.category is Category.INTERNAL:
        status = Status(code=grpc_code(error), message=INTERNAL_MESSAGE)
        status.details.append(_packed(ErrorInfo(reason="INTERNAL", domain=domain)))
        return status.SerializeToString()
    status = Status(code=grpc_code(error), message=error.message[:_MAX_MESSAGE_LENGTH])
    info = ErrorInfo(reason=error.reason, domain=domain)
    for name, value in error.details.items():
        info.metadata[name] = _text(value)
    status.details.append(_packed(info))
    if error.fields:
        violations = BadRequest()
        for violation in error.fields[:_MAX_VIOLATIONS]:
            field = ".".join(map(str, violation.path))
            violations.field_violations.add(field=field, description=violation.message)
        status.details.append(_packed(violations))
    return status.SerializeToString()


def decode(status_bytes: bytes) -> SoukError:
    """Decodes the error of a serialized Status."""
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
            fields = [Violation(_path(item.field), item.description) for item in violations.field_violations]
    kind = error_class_for(category_from_grpc(status.code))
    return kind(status.message, reason=reason, details=details, fields=fields)


def _packed(message: ErrorInfo | BadRequest) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed


def _text(value: JsonValue) -> str:
    # Quotes text that would decode to something else.
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
