"""The result of a check."""

from collections.abc import Iterable
from dataclasses import dataclass

_MAX_PRINTED = 5


@dataclass(frozen=True, slots=True)
class CheckResult:
    """An invariant, the number of items that were checked, and its violations; `skipped` is why it was not checked."""

    invariant: str
    checked: int
    violations: tuple[str, ...]
    skipped: str = ""

    def __str__(self) -> str:
        if self.skipped:
            return f"skipped   {self.invariant}: {self.skipped}"
        if not self.violations:
            return f"ok        {self.invariant}: {self.checked:,}"
        printed = [f"\n            {violation}" for violation in self.violations[:_MAX_PRINTED]]
        more = len(self.violations) - _MAX_PRINTED
        more_text = f"\n            and {more:,} more" if more > 0 else ""
        return f"VIOLATED  {self.invariant}: {len(self.violations):,} of {self.checked:,}{''.join(printed)}{more_text}"


def check_result(invariant: str, checked: int, violations: Iterable[str]) -> CheckResult:
    """Builds a result."""
    return CheckResult(invariant, checked, tuple(violations))
