"""A certificate that is read again once its files have changed."""

import time
from pathlib import Path

from prometheus_client import Gauge

from kit.identity.checking import CertificateFiles, Material, checked
from kit.telemetry import get_logger

log = get_logger(__name__)

# How long a new certificate waits at most; a look costs three stats.
_LOOK_SECONDS = 1.0
EXPIRY = Gauge(
    "souk_identity_certificate_expiry_timestamp_seconds",
    "When the certificate in use expires, in seconds since 1970, for calls between services (rpc) and for Kafka (kafka)",
    ("use",),
)


class ReloadingCertificate:
    """The contents of the files. What a change brings is used only when it is whole: until then the old goes on."""

    def __init__(self, files: CertificateFiles, name: str) -> None:
        self._files = files
        self._name = name
        self._material: Material | None = None
        self._seen: object = None
        self._refused: object = None
        self._look_at = 0.0

    def current(self) -> Material:
        """The same object until the files have changed; raises ValueError when there was nothing usable yet."""
        if self._material is None or time.monotonic() >= self._look_at:
            self._look()
        assert self._material is not None
        return self._material

    def _look(self) -> None:
        self._look_at = time.monotonic() + _LOOK_SECONDS
        seen = self._signature()
        if self._material is not None and seen == self._seen:
            return
        material, faults = checked(self._files, self._name)
        if material is None or faults:
            if self._material is None:
                raise ValueError("; ".join(faults))
            # Tried again at each look, for a certificate that is not valid yet; logged once.
            if seen != self._refused:
                log.error("identity.not_usable", faults=faults)
            self._refused = seen
            return
        if self._material is not None:
            log.info("identity.replaced", expires=material.expires.isoformat())
        self._material, self._seen = material, seen
        EXPIRY.labels("rpc").set(material.expires.timestamp())

    def _signature(self) -> object:
        try:
            # Kubernetes replaces mounted files by a link to other files, whose size and second may be the same.
            return [(stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in map(Path.stat, self._files)]
        except OSError as error:
            return repr(error)
