"""The errors that services raise, named as the canonical gRPC codes.

    SoukError
    |- InvalidArgument      the input is wrong; fields say where
    |- Unauthenticated      nobody, or nobody known, is calling
    |- PermissionDenied     somebody known who may not
    |- NotFound             absent, or not the caller's
    |- AlreadyExists        a unique thing is taken
    |- FailedPrecondition   the state does not allow it
    |- Aborted              lost against a concurrent change
    |- ResourceExhausted    too many, too fast
    |- Unavailable          a part is down; repeating may help
    |  '- Contention        undone because of concurrent work; repeating is safe
    |- DeadlineExceeded     time ran out
    '- Internal             our fault; says nothing to the outside

A service names its own beneath these (`class OutOfStock(FailedPrecondition): reason = "OUT_OF_STOCK"`).
How a category looks on a transport stands in `kit.errors.transport`, once. No transport is known here.
"""

from kit.errors.tree import (
    Aborted,
    AlreadyExists,
    Category,
    Contention,
    DeadlineExceeded,
    FailedPrecondition,
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
    error_class_for,
    is_transient,
)

__all__ = [
    "Aborted",
    "AlreadyExists",
    "Category",
    "Contention",
    "DeadlineExceeded",
    "FailedPrecondition",
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
    "error_class_for",
    "is_transient",
]
