"""The result of an operation, and how it is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult
from kit.errors import SoukError
from kit.graphql.errors import FormattedError, format_execution_error, format_souk_error


@dataclass(frozen=True, slots=True)
class OperationResult:
    """`executed` is false when the request was rejected before any resolver ran; `kind` is none, query, mutation or subscription."""

    data: Any
    errors: tuple[FormattedError, ...]
    executed: bool
    kind: str

    @classmethod
    def from_error(cls, error: SoukError, kind: str = "none") -> "OperationResult":
        """The result of an operation that ended with an error of ours."""
        return cls.rejected(format_souk_error(error), kind=kind)

    @classmethod
    def rejected(cls, *errors: FormattedError, kind: str = "none") -> "OperationResult":
        """The result of an operation that was not executed."""
        return cls(None, errors, executed=False, kind=kind)

    @classmethod
    def of(cls, result: ExecutionResult, kind: str, *, executed: bool) -> "OperationResult":
        """graphql-core's result with its errors formatted."""
        errors = tuple(format_execution_error(error) for error in result.errors or ())
        return cls(result.data, errors, executed, kind)

    def body(self, extensions: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The response's JSON object."""
        body: dict[str, Any] = {"errors": self.errors} if self.errors else {}
        if self.executed:
            body["data"] = self.data
        if extensions:
            body["extensions"] = extensions
        return body
