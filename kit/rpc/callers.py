"""Who may call what: a service's list, by the name in the caller's certificate. What is not listed is refused.

Health and reflection are not on it: whoever has a certificate of our authority may ask for them.
"""

from collections.abc import Collection, Mapping, Sequence

from google.protobuf.descriptor import ServiceDescriptor
from prometheus_client import Counter

from kit.errors import PermissionDenied
from kit.telemetry import get_logger

log = get_logger("kit.rpc")

REFUSED = Counter(
    "souk_rpc_callers_refused_total",
    "Calls of an RPC by a caller that is not on its list, by the name in the caller's certificate (none: it has no certificate), and by "
    "whether the call was refused (enforced yes) or answered while identity is being introduced (no)",
    ("service", "method", "caller", "enforced"),
)
NO_NAME = "none"


class CallerNotAllowed(PermissionDenied):
    """The calling service is not on the list of this RPC's callers."""

    reason = "CALLER_NOT_ALLOWED"


class Guard:
    """The callers of one RPC."""

    def __init__(self, service: str, method: str, allowed: Collection[str], *, enforced: bool) -> None:
        self._service, self._method = service, method
        self._allowed = frozenset(allowed)
        self._enforced = enforced
        self._refusals: dict[str, int] = {}

    def check(self, names: Collection[str]) -> None:
        """Raises CallerNotAllowed unless one of the certificate's names is listed; without a certificate there is none."""
        if not self._allowed.isdisjoint(names):
            return
        caller = ",".join(sorted(names)) or NO_NAME
        REFUSED.labels(self._service, self._method, caller, "yes" if self._enforced else "no").inc()
        self._log(caller)
        if self._enforced:
            raise CallerNotAllowed(
                f"{caller} may not call {self._service}/{self._method}", details={"caller": caller}
            )

    def _log(self, caller: str) -> None:
        count = self._refusals[caller] = self._refusals.get(caller, 0) + 1
        if count & (count - 1) == 0:  # the 1st, 2nd, 4th, 8th ...
            log.warning(
                "rpc.caller_refused",
                method=f"{self._service}/{self._method}",
                caller=caller,
                allowed=sorted(self._allowed),
                enforced=self._enforced,
                count=count,
            )


class Callers:
    """A server's list: `{"StockService": ["order"], "AccountService/VerifyToken": ["catalog"]}`, whole services and single RPCs."""

    def __init__(self, listed: Mapping[str, Sequence[str]], *, enforced: bool) -> None:
        self._listed = listed
        self._enforced = enforced

    def of(self, service: ServiceDescriptor, method: str) -> Guard:
        """The guard of one RPC."""
        listed = [*self._listed.get(service.name, ()), *self._listed.get(f"{service.name}/{method}", ())]
        return Guard(service.full_name, method, listed, enforced=self._enforced)


def unknown(listed: Mapping[str, Sequence[str]], services: Collection[ServiceDescriptor]) -> set[str]:
    """Entries of a list that name nothing that is served."""
    known = {service.name for service in services}
    known |= {f"{service.name}/{method.name}" for service in services for method in service.methods}
    return set(listed) - known
