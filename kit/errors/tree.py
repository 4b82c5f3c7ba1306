"""The error tree. No transport is known here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

JsonValue = str | int | float | bool | None | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
Path = tuple[str | int, ...]


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
    """One fault of an input: the path from the argument down, and the rule it breaks."""

    path: Path
    message: str


class SoukError(Exception):
    """Base of all; raised only through its subclasses.

    `reason` is stable UPPER_SNAKE and finer than the category; `details` are for programs, the message is
    for people.
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
        """What went wrong, for people."""
        return str(self.args[0])


class InvalidArgument(SoukError):
    """The input is wrong; `fields` say where."""

    category = Category.INVALID_ARGUMENT


class Unauthenticated(SoukError):
    """Nobody, or nobody known, is calling."""

    category = Category.UNAUTHENTICATED
    default_message = "sign in first"


class PermissionDenied(SoukError):
    """Somebody known who may not."""

    category = Category.PERMISSION_DENIED
    default_message = "not allowed"


class NotFound(SoukError):
    """Absent, or not the caller's."""

    category = Category.NOT_FOUND


class AlreadyExists(SoukError):
    """A unique thing is taken."""

    category = Category.ALREADY_EXISTS


class FailedPrecondition(SoukError):
    """The state does not allow it."""

    category = Category.FAILED_PRECONDITION


class Aborted(SoukError):
    """Lost against a concurrent change."""

    category = Category.ABORTED


class ResourceExhausted(SoukError):
    """Too many, too fast."""

    category = Category.RESOURCE_EXHAUSTED


class Unavailable(SoukError):
    """A part is down; repeating may help."""

    category = Category.UNAVAILABLE


class Contention(Unavailable):
    """Lost against concurrent work and was undone completely; repeating it is safe and likely to succeed."""


class DeadlineExceeded(SoukError):
    """Time ran out; the effect may still happen."""

    category = Category.DEADLINE_EXCEEDED


class Internal(SoukError):
    """Our fault; says nothing to the outside."""

    category = Category.INTERNAL


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
    """The class that stands for a category, for edges that read errors from a transport."""
    return _BY_CATEGORY[category]


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed later without a change of its input."""
    if not isinstance(error, SoukError):
        return False
    if error.category is Category.ABORTED:
        return not error.reason.endswith("_CONFLICT")
    return error.category in (Category.UNAVAILABLE, Category.DEADLINE_EXCEEDED)


class Violations:
    """Collects all faults of one input, so that they are answered at once."""

    def __init__(self) -> None:
        self._found: list[Violation] = []

    def add(self, path: Path, message: str) -> None:
        """Notes a fault at a path."""
        self._found.append(Violation(path, message))

    def __bool__(self) -> bool:
        return bool(self._found)

    def raise_if_any(self, message: str = "") -> None:
        """Raises InvalidArgument with every fault found, if there is one."""
        if self._found:
            text = "; ".join(f"{'.'.join(map(str, v.path))}: {v.message}" for v in self._found)
            raise InvalidArgument(message or text, fields=self._found)
