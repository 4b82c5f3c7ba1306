"""The errors that services raise, named as the canonical gRPC codes.

    SoukError
    |- InvalidArgument      the input is invalid; `fields` say where
    |- Unauthenticated      no valid credentials
    |- PermissionDenied     the caller is known but not allowed
    |- NotFound             absent, or not visible to the caller
    |- AlreadyExists        a unique value is taken
    |- FailedPrecondition   the state does not allow it
    |- Aborted              conflicts with a concurrent change
    |  '- IdempotencyConflict  an idempotency key was reused
    |- ResourceExhausted    a rate or size limit was exceeded
    |- Unavailable          a dependency is down; a retry may succeed
    |  '- Contention        rolled back because of concurrent work; a retry is safe
    |- DeadlineExceeded     time ran out
    '- Internal             a bug or misconfiguration; clients see no details

A service derives its own errors (`class OutOfStock(FailedPrecondition): reason = "OUT_OF_STOCK"`). Only `kit.errors.transport` knows how
a category maps to a transport.
"""

from kit.errors.tree import (
    INTERNAL_MESSAGE,
    Aborted,
    AlreadyExists,
    Category,
    Contention,
    DeadlineExceeded,
    FailedPrecondition,
    IdempotencyConflict,
    Internal,
    InvalidArgument,
    JsonValue,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    SoukError,
    Unauthenticated,
    Unavailable,
    Violation,
    Violations,
    describe,
    error_class_for,
    is_transient,
)

__all__ = [
    "INTERNAL_MESSAGE",
    "Aborted",
    "AlreadyExists",
    "Category",
    "Contention",
    "DeadlineExceeded",
    "FailedPrecondition",
    "IdempotencyConflict",
    "Internal",
    "InvalidArgument",
    "JsonValue",
    "NotFound",
    "PermissionDenied",
    "ResourceExhausted",
    "SoukError",
    "Unauthenticated",
    "Unavailable",
    "Violation",
    "Violations",
    "describe",
    "error_class_for",
    "is_transient",
]
