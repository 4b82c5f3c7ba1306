"""Errors as problem+json (RFC 9457): type, title, status, detail, reason, fields, correlation id."""

from typing import Any

import orjson
from litestar import Request, Response
from litestar.exceptions import HTTPException

from kit.errors import INTERNAL_MESSAGE, Category, Internal, SoukError
from kit.errors.transport import http_status
from kit.telemetry import correlation_id, get_logger

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


def problem(error: SoukError) -> Response[bytes]:
    """The response for an error; an Internal error shows no details."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": error.category.value.replace("_", " ").capitalize(),
        "status": http_status(error),
        "detail": INTERNAL_MESSAGE if error.category is Category.INTERNAL else error.message,
        "reason": error.reason,
        "correlationId": correlation_id.get(),
    }
    if error.category is not Category.INTERNAL:
        if error.details:
            content["details"] = error.details
        if error.fields:
            content["fields"] = [
                {"path": list(field.path), "message": field.message} for field in error.fields
            ]
    return _response(content)


def on_souk_error(_: Request[Any, Any, Any], error: SoukError) -> Response[bytes]:
    """Handles a SoukError."""
    if error.category is Category.INTERNAL:
        log.exception("http.failed")
    return problem(error)


def on_http_exception(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Handles Litestar's own rejections: unknown route, wrong method, malformed body."""
    if error.status_code >= 500:
        return on_exception(_, error)
    title = error.detail if error.status_code != 400 else "The request is malformed"
    content = {
        "type": "about:blank",
        "title": title,
        "status": error.status_code,
        "reason": title.upper().replace(" ", "_"),
        "correlationId": correlation_id.get(),
    }
    return _response(content, error.headers)


def on_exception(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Handles an unexpected exception."""
    log.exception("http.failed")
    return problem(Internal())


HANDLERS: dict[Any, Any] = {
    SoukError: on_souk_error,
    HTTPException: on_http_exception,
    Exception: on_exception,
}


def _response(content: dict[str, Any], headers: dict[str, str] | None = None) -> Response[bytes]:
    body = orjson.dumps(content, default=str)
    return Response(body, status_code=content["status"], media_type=MEDIA_TYPE, headers=headers)
