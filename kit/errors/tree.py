"""The error tree, independent of transports."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

JsonValue = str | int | float | bool | None | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
Path = tuple[str | int, ...]


# All that clients learn of an Internal error.
INTERNAL_MESSAGE = "internal error"


class Category(Enum):
    """The canonical gRPC codes that Souk uses."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNAVAILABLE = "UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Violation:
    """One invalid value of an input: its path from the argument down, and the rule that it breaks."""

    path: Path
    message: str


class SoukError(Exception):
    """Base of all errors; only subclasses are raised.

    `reason` is a stable UPPER_SNAKE code, finer than the category. `details` are for programs, the message is for people.
    """

    category: ClassVar[Category]
    reason: str = ""
    default_message: ClassVar[str] = ""

    def __init__(
        self,
        message: str = "",
        *,
        fields: Sequence[Violation] = (),
        details: Mapping[str, JsonValue] | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message or self.default_message or self.category.value.lower().replace("_", " "))
        self.fields = tuple(fields)
        self.details = dict(details or {})
        self.reason = reason or self.reason or self.category.value

    @property
    def message(self) -> str:
        """The message for people."""
        return str(self.args[0])


class InvalidArgument(SoukError):
    """The input is invalid; `fields` say where."""

    category = Category.INVALID_ARGUMENT


class Unauthenticated(SoukError):
    """The request has no valid credentials."""

    category = Category.UNAUTHENTICATED
    default_message = "authentication required"


class PermissionDenied(SoukError):
    """The caller is known but not allowed."""

    category = Category.PERMISSION_DENIED
    default_message = "not allowed"


class NotFound(SoukError):
    """Absent, or not visible to the caller."""

    category = Category.NOT_FOUND


class AlreadyExists(SoukError):
    """A unique value is taken."""

    category = Category.ALREADY_EXISTS


class FailedPrecondition(SoukError):
    """The state does not allow it."""

    category = Category.FAILED_PRECONDITION


class Aborted(SoukError):
    """Conflicts with a concurrent change."""

    category = Category.ABORTED


class IdempotencyConflict(Aborted):
    """An idempotency key was used before, with different input."""

    reason = "IDEMPOTENCY_CONFLICT"
    default_message = "this idempotency key was already used with different input"


class ResourceExhausted(SoukError):
    """A rate or size limit was exceeded."""

    category = Category.RESOURCE_EXHAUSTED


class Unavailable(SoukError):
    """A dependency is down; a retry may succeed."""

    category = Category.UNAVAILABLE


class Contention(Unavailable):
    """Rolled back because of concurrent work; a retry is safe and likely to succeed."""


class DeadlineExceeded(SoukError):
    """Time ran out; the effect may still happen."""

    category = Category.DEADLINE_EXCEEDED


class Internal(SoukError):
    """A bug or misconfiguration; clients see no details."""

    category = Category.INTERNAL
    default_message = INTERNAL_MESSAGE


_BY_CATEGORY: dict[Category, type[SoukError]] = {
    kind.category: kind
    for kind in (
        InvalidArgument,
        Unauthenticated,
        PermissionDenied,
        NotFound,
        AlreadyExists,
        FailedPrecondition,
        Aborted,
        ResourceExhausted,
        Unavailable,
        DeadlineExceeded,
        Internal,
    )
}


def error_class_for(category: Category) -> type[SoukError]:
    """The error class of a category, for edges that decode errors."""
    return _BY_CATEGORY[category]


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed later with the same input."""
    if not isinstance(error, SoukError):
        return False
    if error.category is Category.ABORTED:
        return not error.reason.endswith("_CONFLICT")
    return error.category in (Category.UNAVAILABLE, Category.DEADLINE_EXCEEDED)


def describe(violations: Iterable[Violation]) -> str:
    """A message that names each violation with its path."""
    return "; ".join(f"{'.'.join(map(str, violation.path))}: {violation.message}" for violation in violations)


class _Collection:
    """No generator: mypy would take what follows its block for unreachable."""

    def __init__(self, violations: list[Violation]) -> None:
        self._violations = violations

    def __enter__(self) -> None:
        """Nothing to open."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, InvalidArgument):
            return False
        self._violations += [fault for fault in error.fields if fault not in self._violations]
        return True


class Violations:
    """Collects all violations of one input."""

    def __init__(self) -> None:
        self._violations: list[Violation] = []

    def add(self, path: Path, message: str) -> None:
        """Records a violation at a path."""
        self._violations.append(Violation(path, message))

    def collect(self) -> "_Collection":
        """Within it, the violations of an InvalidArgument are recorded, each once, instead of raised."""
        return _Collection(self._violations)

    def __bool__(self) -> bool:
        return bool(self._violations)

    def raise_if_any(self, message: str = "") -> None:
        """Raises InvalidArgument with every violation, if there is one."""
        if self._violations:
            raise InvalidArgument(message or describe(self._violations), fields=self._violations)
