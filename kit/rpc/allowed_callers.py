"""Which services may call which RPCs, by the name in the caller's certificate. Unlisted callers are rejected.

Health and reflection are open to every certificate of our authority.
"""

from collections.abc import Collection, Mapping, Sequence

from google.protobuf.descriptor import ServiceDescriptor
from prometheus_client import Counter

from kit.errors import PermissionDenied
from kit.telemetry import get_logger

log = get_logger("kit.rpc")

REJECTED = Counter(
    "souk_rpc_callers_rejected_total",
    "Calls by a service that is not allowed to call the RPC, by the name in its certificate (none: no certificate), and by whether the "
    "call was rejected (enforced yes) or still allowed while identity is being introduced (no)",
    ("service", "method", "caller", "enforced"),
)
NO_CERTIFICATE = "none"


class CallerNotAllowed(PermissionDenied):
    """The calling service may not call this RPC."""

    reason = "CALLER_NOT_ALLOWED"


class CallerCheck:
    """Checks the callers of one RPC."""

    def __init__(self, service: str, method: str, allowed: Collection[str], *, enforced: bool) -> None:
        self._service, self._method = service, method
        self._allowed = frozenset(allowed)
        self._enforced = enforced
        self._rejections: dict[str, int] = {}

    def check(self, names: Collection[str]) -> None:
        """Raises CallerNotAllowed unless one of the certificate's names is allowed; `names` is empty without a certificate."""
        if not self._allowed.isdisjoint(names):
            return
        caller = ",".join(sorted(names)) or NO_CERTIFICATE
        REJECTED.labels(self._service, self._method, caller, "yes" if self._enforced else "no").inc()
        self._log(caller)
        if self._enforced:
            raise CallerNotAllowed(
                f"{caller} may not call {self._service}/{self._method}", details={"caller": caller}
            )

    def _log(self, caller: str) -> None:
        count = self._rejections[caller] = self._rejections.get(caller, 0) + 1
        if count & (count - 1) == 0:  # the 1st, 2nd, 4th, 8th ...
            log.warning(
                "rpc.caller_rejected",
                method=f"{self._service}/{self._method}",
                caller=caller,
                allowed=sorted(self._allowed),
                enforced=self._enforced,
                count=count,
            )


class AllowedCallers:
    """The allowed callers of a server's services and RPCs: `{"StockService": ["order"], "AccountService/VerifyToken": ["catalog"]}`."""

    def __init__(self, allowed: Mapping[str, Sequence[str]], *, enforced: bool) -> None:
        self._allowed = allowed
        self._enforced = enforced

    def of(self, service: ServiceDescriptor, method: str) -> CallerCheck:
        """The check for one RPC."""
        allowed = [*self._allowed.get(service.name, ()), *self._allowed.get(f"{service.name}/{method}", ())]
        return CallerCheck(service.full_name, method, allowed, enforced=self._enforced)


def unknown_entries(
    allowed: Mapping[str, Sequence[str]], services: Collection[ServiceDescriptor]
) -> set[str]:
    """Entries for services or RPCs that the server does not have."""
    existing = {service.name for service in services}
    existing |= {f"{service.name}/{method.name}" for service in services for method in service.methods}
    return set(allowed) - existing
