"""What a check found."""

from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """An invariant, how many things were looked at, and those that break it."""

    invariant: str
    counted: int
    violations: tuple[str, ...]

    def __str__(self) -> str:
        if not self.violations:
            return f"ok        {self.invariant}: {self.counted:,}"
        shown = [f"\n            {violation}" for violation in self.violations[:_SHOWN]]
        more = len(self.violations) - _SHOWN
        rest = f"\n            and {more:,} more" if more > 0 else ""
        return (
            f"VIOLATED  {self.invariant}: {len(self.violations):,} of {self.counted:,}{''.join(shown)}{rest}"
        )


def verdict(invariant: str, counted: int, violations: Iterable[str]) -> Verdict:
    """A verdict."""
    return Verdict(invariant, counted, tuple(violations))
