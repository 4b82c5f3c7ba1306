"""The WHERE of a list whose filters are optional: only what is asked for stands in it, so that each combination has a plan of its own."""

from typing import Any


class Conditions:
    """Collects conditions and their arguments; texts are constants of ours, values are always parameters."""

    def __init__(self) -> None:
        self.args: list[Any] = []
        self._texts: list[str] = []

    def add(self, text: str, *values: Any) -> None:
        """A condition; each {} in it stands for the next value."""
        numbers = [f"${len(self.args) + place}" for place in range(1, len(values) + 1)]
        self.args.extend(values)
        self._texts.append(text.format(*numbers))

    @property
    def where(self) -> str:
        """`WHERE ...`, or nothing when there is no condition."""
        return "WHERE " + " AND ".join(self._texts) if self._texts else ""
