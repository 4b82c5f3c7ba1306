"""Deadlines and retries of each method, read from `service_config.json` beside the protos.

The file is gRPC's own format (https://github.com/grpc/grpc/blob/master/doc/service_config.md), of which
methodConfig's name, timeout and retryPolicy are understood; anything else is refused rather than ignored.
"""

import random
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import orjson
from google.protobuf.descriptor import ServiceDescriptor

_KNOWN = {"name", "timeout", "retryPolicy"}


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a method is tried, and how long between; seconds."""

    attempts: int = 1
    initial: float = 0.05
    most: float = 0.5
    multiplier: float = 2.0
    codes: frozenset[str] = frozenset()

    def pause(self, tried: int) -> float:
        """Seconds to wait after the `tried`-th attempt failed; with full jitter, as gRPC does."""
        return random.uniform(0, min(self.most, self.initial * self.multiplier ** (tried - 1)))


@dataclass(frozen=True, slots=True)
class MethodConfig:
    """The longest a call may take, all attempts together, in seconds; and its retries."""

    timeout: float = 5.0
    retries: Retries = Retries()


def method_configs(service: ServiceDescriptor) -> dict[str, MethodConfig]:
    """The configuration of each method of a service; an entry that names a method replaces the service's own."""
    package = service.file.package
    text = files(package).joinpath("service_config.json").read_bytes()
    general, particular = MethodConfig(), {}
    for entry in orjson.loads(text)["methodConfig"]:
        config = _method_config(entry)
        for name in entry["name"]:
            if name["service"] != service.full_name:
                continue
            if method := name.get("method"):
                particular[method] = config
            else:
                general = config
    unknown = particular.keys() - {method.name for method in service.methods}
    if unknown:
        raise ValueError(f"service_config.json of {package} names unknown methods: {sorted(unknown)}")
    return {method.name: particular.get(method.name, general) for method in service.methods}


def _method_config(entry: dict[str, Any]) -> MethodConfig:
    if strange := entry.keys() - _KNOWN:
        raise ValueError(f"service_config.json: {sorted(strange)} is not understood")
    policy = entry.get("retryPolicy")
    retries = Retries()
    if policy:
        retries = Retries(
            attempts=int(policy["maxAttempts"]),
            initial=_seconds(policy["initialBackoff"]),
            most=_seconds(policy["maxBackoff"]),
            multiplier=float(policy["backoffMultiplier"]),
            codes=frozenset(policy["retryableStatusCodes"]),
        )
    return MethodConfig(_seconds(entry["timeout"]), retries)


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))
