"""Errors in GraphQL's format: message, extensions.code, reason, fields and the error's own details. Codes: kit.errors.transport."""

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

# Reasons of this package that are also the error's code.
_OWN_CODES: Final = {
    "BAD_REQUEST",
    "PERSISTED_QUERY_NOT_FOUND",
    "PERSISTED_QUERY_NOT_IN_LIST",
}
# How graphql-core reports a variable with an invalid value.
_INVALID_VALUE: Final = re.compile(
    r"^(?:Variable '\$(?P<variable>\w+)'|Argument '(?P<argument>\w+)') has invalid value(?: at (?P<steps>(?:\.\w+|\[\d+\])+))?: "
)
# graphql-core's rules in our words; a field that is named belongs to the path.
_RULES: Final = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"Expected value of non-null type '[^']*' not to be None\.?", "must not be null"),
        (r"Expected a value of non-null type '[^']*' to be provided\.?", "is required"),
        (r"Expected value of type '\w+' to include required field '(?P<field>\w+)'.*", "is required"),
        (
            r"Expected value of type '(?P<type>\w+)' not to include unknown field '(?P<field>\w+)'.*",
            "is not a field of {type}",
        ),
        (r"Expected value of type '\w+' to be an object.*", "has to be an object"),
    )
)
# Where a message of graphql-core 3.3 shows what the client sent, which may be a password.
_SENT: Final = re.compile(r", but encountered error |[,;] found: |(?<=\?) Found: |(?<= value): ")
_SENT_TOKEN: Final = re.compile(r"(String|BlockString|Int|Float) '.*'", re.DOTALL)
_SHOWN: Final = re.compile(
    r"(?:Int|Float|Boolean|ID|Enum '\w+') cannot represent [\w -]*value: (?:-?[0-9][0-9.eE+-]*|[Tt]rue|[Ff]alse)\.?"
)
_MAX_MESSAGE_LENGTH: Final = 400
_STEP: Final = re.compile(r"\w+")
_UNDERSCORE: Final = re.compile(r"_([a-z])")

FormattedError = dict[str, Any]


def format_souk_error(error: SoukError) -> FormattedError:
    """An error of ours that belongs to no place in the document."""
    if error.category is Category.INTERNAL:
        return format_internal_error()
    own = error.reason if error.reason in _OWN_CODES else None
    code = getattr(error, "code", own) or graphql_code(error)
    extensions: FormattedError = {"code": code, "reason": error.reason, **_camel_case(error.details)}
    if error.fields:
        extensions["fields"] = [
            {"path": list(violation.path), "message": violation.message} for violation in error.fields
        ]
    return {"message": error.message, "extensions": extensions}


def format_request_error(message: str, code: str, reason: str = "") -> FormattedError:
    """A malformed request."""
    return {"message": message, "extensions": {"code": code, "reason": reason or code}}


def format_document_error(error: GraphQLError, code: str) -> FormattedError:
    """A document that does not parse or does not match the schema."""
    return {
        "message": " ".join(map(str, _in_our_words(_without_values(error.message)))),
        "locations": [location.formatted for location in error.locations or ()],
        "extensions": {"code": code, "reason": code},
    }


def format_execution_error(error: GraphQLError) -> FormattedError:
    """An error raised by a resolver or by coercing the variables."""
    formatted = _format_cause(error)
    if error.locations:
        formatted["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        formatted["path"] = error.path
    return formatted


def format_internal_error() -> FormattedError:
    """A fault of ours: the client learns the correlation id only."""
    extensions = {"code": "INTERNAL", "reason": "INTERNAL", "correlationId": correlation_id.get()}
    return {"message": INTERNAL_MESSAGE, "extensions": extensions}


def _format_cause(error: GraphQLError) -> FormattedError:
    cause = error.original_error
    if isinstance(cause, SoukError):
        if cause.category is Category.INTERNAL:
            log.error("graphql.resolver_failed", error=cause.message)
        return format_souk_error(cause)
    if error.path is None:
        return _format_variable_error(error)
    if cause is None:
        return format_request_error(_without_values(error.message), BAD_USER_INPUT)
    log.error("graphql.resolver_failed", exc_info=cause)
    return format_internal_error()


def _format_variable_error(error: GraphQLError) -> FormattedError:
    message = _without_values(error.message)
    match = _INVALID_VALUE.match(message)
    if match is None:
        return format_request_error(message, BAD_USER_INPUT)
    *field, rule = _in_our_words(message[match.end() :])
    steps = [int(step) if step.isdigit() else step for step in _STEP.findall(match["steps"] or "")] + field
    argument = match["argument"] or _argument_of(match["variable"], error)
    # Paths within a mutation's `input` omit it, as the services' own errors do.
    path = steps if argument == "input" and steps else [argument, *steps]
    formatted = format_request_error(f"{'.'.join(map(str, path))}: {rule}", BAD_USER_INPUT)
    formatted["extensions"]["fields"] = [{"path": path, "message": rule}]
    return formatted


def _argument_of(variable: str, error: GraphQLError) -> str:
    """The argument or field that a document gives a variable to."""
    use = re.search(rf"(\w+)\s*:\s*\[?\s*\${variable}\b", error.source.body) if error.source else None
    return use[1] if use else variable


def _in_our_words(rule: str) -> list[str]:
    """A rule of graphql-core in our words, after the field that it names."""
    for pattern, template in _RULES:
        if match := pattern.fullmatch(rule):
            named = match.groupdict()
            return [*([named["field"]] if "field" in named else []), template.format(**named)]
    return [rule]


def _without_values(message: str) -> str:
    """A message of graphql-core without the values that the client sent, except numbers and Booleans where the schema has neither text
    nor an object.
    """
    match = _INVALID_VALUE.match(message)
    start = match.end() if match else 0
    rule = _SENT_TOKEN.sub(r"\1", message[start:])
    if not _SHOWN.fullmatch(rule) and (sent := _SENT.search(rule)):
        rule = rule[: sent.start()]
    return f"{message[:start]}{rule}"[:_MAX_MESSAGE_LENGTH]


def _camel_case(value: Any) -> Any:
    """Details have Python names; clients get camel case."""
    if isinstance(value, Mapping):
        return {
            _UNDERSCORE.sub(lambda match: match[1].upper(), str(key)): _camel_case(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_camel_case(item) for item in value]
    return value
