"""The connections that network policies allow between components of a trial cluster, and with pods of other namespaces: no other is."""

from collections.abc import Iterable
from typing import Final

# From, to, port.
Way = tuple[str, str, int]

# Namespaces of other pods: one that no policy names, and that of Prometheus and the collector of traces.
OUTSIDE: Final = ("default", "monitoring")
TRACES: Final = 4318

_SOUK: Final = ("account", "catalog", "gateway", "notification", "order", "payment")
_RPC: Final = 9080
_HTTP: Final = 8080
_CALLS: Final = {
    "account": ("order",),
    "catalog": ("account",),
    "gateway": ("account", "catalog", "notification", "order", "payment"),
    "order": ("account", "catalog"),
    "payment": ("account",),
}
_POSTGRESQL: Final = ("account", "catalog", "notification", "order", "payment")

ALLOWED: Final[frozenset[Way]] = frozenset(
    [
        *((caller, callee, _RPC) for caller, callees in _CALLS.items() for callee in callees),
        # The public keys.
        *((service, "account", _HTTP) for service in _SOUK),
        *((service, "kafka", 9092) for service in _SOUK),
        *((service, "postgresql", 5432) for service in _POSTGRESQL),
        ("catalog", "redis", 6379),
        ("gateway", "redis", 6379),
        ("catalog", "elasticsearch", 9200),
        ("notification", "mail", 1025),
        ("payment", "stripe-mock", 8010),
        # Webhooks.
        ("stripe-mock", "payment", _HTTP),
        *(("monitoring", service, _HTTP) for service in _SOUK),
        *((service, "monitoring", TRACES) for service in _SOUK),
    ]
)


def every_way(ports: Iterable[tuple[str, int]], callers: Iterable[str]) -> set[Way]:
    """All connections to these components and ports, allowed or not."""
    targets = list(ports)
    return {(caller, name, port) for caller in callers for name, port in targets}
