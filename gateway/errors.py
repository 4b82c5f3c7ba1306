"""Errors as GraphQL shows them: message, extensions.code, reason, fields, and the error's own details. Codes: kit.errors.transport."""

import re
from collections.abc import Mapping
from typing import Any, Final

from graphql import GraphQLError

from kit.errors import INTERNAL_MESSAGE, Category, SoukError
from kit.errors.transport import graphql_code
from kit.telemetry import correlation_id, get_logger

log = get_logger(__name__)

PARSE_FAILED: Final = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED: Final = "GRAPHQL_VALIDATION_FAILED"
BAD_REQUEST: Final = "BAD_REQUEST"
BAD_USER_INPUT: Final = "BAD_USER_INPUT"

# Reasons of the gateway's own that are codes by themselves.
_OWN_CODES = {
    "BAD_REQUEST",
    "PERSISTED_QUERY_NOT_FOUND",
    "PERSISTED_QUERY_NOT_IN_LIST",
}
# graphql-core's words for a variable whose value does not fit.
_PLACE = re.compile(r"^Variable '\$\w+' has invalid value at ((?:\.\w+|\[\d+\])+): ")
_STEP = re.compile(r"\w+")
_UNDERSCORE = re.compile(r"_([a-z])")

Shown = dict[str, Any]


def of_souk_error(error: SoukError) -> Shown:
    """A named error of ours, without place in the document."""
    if error.category is Category.INTERNAL:
        return unexpected()
    own = error.reason if error.reason in _OWN_CODES else None
    code = getattr(error, "code", own) or graphql_code(error)
    extensions: Shown = {"code": code, "reason": error.reason, **_camel(error.details)}
    if error.fields:
        extensions["fields"] = [{"path": list(each.path), "message": each.message} for each in error.fields]
    return {"message": error.message, "extensions": extensions}


def of_request(message: str, code: str, reason: str = "") -> Shown:
    """A request that is none."""
    return {"message": message, "extensions": {"code": code, "reason": reason or code}}


def of_document(error: GraphQLError, code: str) -> Shown:
    """A document that does not parse or does not fit the schema."""
    return {
        "message": error.message,
        "locations": [place.formatted for place in error.locations or ()],
        "extensions": {"code": code, "reason": code},
    }


def of_execution(error: GraphQLError) -> Shown:
    """What a resolver, or reading the variables, raised."""
    cause = error.original_error
    if isinstance(cause, SoukError):
        if cause.category is Category.INTERNAL:
            log.error("graphql.failed", error=cause.message)
        shown = of_souk_error(cause)
    elif error.path is None:
        shown = _of_variables(error)
    elif cause is None:
        shown = of_request(error.message, BAD_USER_INPUT)
    else:
        log.error("graphql.failed", exc_info=cause)
        shown = unexpected()
    if error.locations:
        shown["locations"] = [place.formatted for place in error.locations]
    if error.path is not None:
        shown["path"] = error.path
    return shown


def _of_variables(error: GraphQLError) -> Shown:
    shown = of_request(error.message, BAD_USER_INPUT)
    if found := _PLACE.match(error.message):
        path = [int(step) if step.isdigit() else step for step in _STEP.findall(found[1])]
        rule = error.message[found.end() :]
        shown["extensions"]["fields"] = [{"path": path, "message": rule}]
    return shown


def unexpected() -> Shown:
    """What is said of a fault of ours."""
    extensions = {"code": "INTERNAL", "reason": "INTERNAL", "correlationId": correlation_id.get()}
    return {"message": INTERNAL_MESSAGE, "extensions": extensions}


def _camel(value: Any) -> Any:
    """Details are named as in Python and the contracts; outside everything is camel case."""
    if isinstance(value, Mapping):
        return {
            _UNDERSCORE.sub(lambda found: found[1].upper(), str(key)): _camel(each)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_camel(each) for each in value]
    return value
