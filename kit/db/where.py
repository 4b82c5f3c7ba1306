"""Builds WHERE clauses from optional filters, so that each combination of filters has its own SQL text and query plan."""

from typing import Any


class WhereClause:
    """Collects conditions and their arguments. Texts must be constants; values are always parameters."""

    def __init__(self) -> None:
        self.args: list[Any] = []
        self._texts: list[str] = []

    def add(self, text: str, *values: Any) -> None:
        """Adds a condition; each {} in it is replaced by the parameter of the next value."""
        self._texts.append(text.format(*[self.parameter(value) for value in values]))

    def parameter(self, value: Any) -> str:
        """Adds a value and returns its placeholder, such as `$3`."""
        self.args.append(value)
        return f"${len(self.args)}"

    @property
    def sql(self) -> str:
        """`WHERE ...`, or empty without conditions."""
        return "WHERE " + " AND ".join(self._texts) if self._texts else ""
