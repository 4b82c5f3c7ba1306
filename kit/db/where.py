"""The WHERE of a list whose filters are optional: only what is asked for stands in it, so that each combination has a plan of its own."""

from typing import Any


class WhereClause:
    """Collects conditions and their arguments; texts are constants of ours, values are always parameters."""

    def __init__(self) -> None:
        self.args: list[Any] = []
        self._texts: list[str] = []

    def add(self, text: str, *values: Any) -> None:
        """A condition; each {} in it stands for the next value."""
        self._texts.append(text.format(*[self.parameter(value) for value in values]))

    def parameter(self, value: Any) -> str:
        """The place of a value that stands elsewhere in the statement, such as `$3`."""
        self.args.append(value)
        return f"${len(self.args)}"

    @property
    def sql(self) -> str:
        """`WHERE ...`, or nothing when there is no condition."""
        return "WHERE " + " AND ".join(self._texts) if self._texts else ""
