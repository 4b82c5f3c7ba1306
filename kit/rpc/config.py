"""Deadlines and retries of each method, from the `service_config.json` beside the protos.

The file has gRPC's format (https://github.com/grpc/grpc/blob/master/doc/service_config.md). Supported are name, timeout and retryPolicy of
methodConfig; any other key is an error.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import orjson
from google.protobuf.descriptor import ServiceDescriptor

from kit.values.backoff import backoff_seconds

_SUPPORTED_KEYS = {"name", "timeout", "retryPolicy"}


@dataclass(frozen=True, slots=True)
class Retries:
    """The maximum number of attempts, and the seconds to wait between them."""

    attempts: int = 1
    initial: float = 0.05
    maximum: float = 0.5
    multiplier: float = 2.0
    codes: frozenset[str] = frozenset()

    def pause(self, attempts: int) -> float:
        """Seconds to wait after a number of failed attempts, with full jitter, as gRPC does."""
        return backoff_seconds(attempts, self.initial, self.maximum, multiplier=self.multiplier, min_share=0)


@dataclass(frozen=True, slots=True)
class MethodConfig:
    """The timeout of a call including all retries, in seconds; and the retries."""

    timeout: float = 5.0
    retries: Retries = Retries()


def method_configs(service: ServiceDescriptor) -> dict[str, MethodConfig]:
    """The configuration of each method of a service; an entry for a method overrides the service's entry."""
    package = service.file.package
    text = files(package).joinpath("service_config.json").read_bytes()
    service_config, method_configs_by_name = MethodConfig(), {}
    for entry in orjson.loads(text)["methodConfig"]:
        config = _method_config(entry)
        for name in entry["name"]:
            if name["service"] != service.full_name:
                continue
            if method := name.get("method"):
                method_configs_by_name[method] = config
            else:
                service_config = config
    unknown = method_configs_by_name.keys() - {method.name for method in service.methods}
    if unknown:
        raise ValueError(f"service_config.json of {package} names unknown methods: {sorted(unknown)}")
    return {
        method.name: method_configs_by_name.get(method.name, service_config) for method in service.methods
    }


def _method_config(entry: dict[str, Any]) -> MethodConfig:
    if unknown := entry.keys() - _SUPPORTED_KEYS:
        raise ValueError(f"service_config.json: unknown keys {sorted(unknown)}")
    policy = entry.get("retryPolicy")
    retries = Retries()
    if policy:
        retries = Retries(
            attempts=int(policy["maxAttempts"]),
            initial=_seconds(policy["initialBackoff"]),
            maximum=_seconds(policy["maxBackoff"]),
            multiplier=float(policy["backoffMultiplier"]),
            codes=frozenset(policy["retryableStatusCodes"]),
        )
    return MethodConfig(_seconds(entry["timeout"]), retries)


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))
