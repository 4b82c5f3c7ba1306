"""Errors of the rules of prices.

SoukError
|- FailedPrecondition
|  '- TermsDiffer       this process's settings are not those of the shop
'- Aborted
   '- RulesConflict     the rules were modified concurrently
"""

from kit.errors import Aborted, FailedPrecondition


class TermsDiffer(FailedPrecondition):
    """The shop-wide settings of this process differ from those that the shop's first process wrote."""

    reason = "PRICING_SETTINGS_DIFFER"


class RulesConflict(Aborted):
    """The rules are not at the version that the caller expected; `details.version` is the current one."""

    reason = "VERSION_CONFLICT"
    default_message = "the rules were modified concurrently"
