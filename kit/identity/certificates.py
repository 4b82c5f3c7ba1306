"""Reloads a certificate when its files change."""

import time
from pathlib import Path

from prometheus_client import Gauge

from kit.identity.checking import CertificateFiles, CertificateMaterial, load_checked
from kit.telemetry import get_logger

log = get_logger(__name__)

# Maximum delay until a new certificate is used; a check costs three stat calls.
_CHECK_SECONDS = 1.0
EXPIRY = Gauge(
    "souk_identity_certificate_expiry_timestamp_seconds",
    "Expiry of the certificate in use, in seconds since 1970, for calls between services (rpc) and for Kafka (kafka)",
    ("use",),
)


class ReloadingCertificate:
    """The certificate in the files. Changed files are used only when they are valid; until then the previous certificate stays."""

    def __init__(self, files: CertificateFiles, name: str) -> None:
        self._files = files
        self._name = name
        self._material: CertificateMaterial | None = None
        self._file_state: object = None
        self._rejected_state: object = None
        self._next_check = 0.0

    def current(self) -> CertificateMaterial:
        """The certificate, the same object until the files change; raises ValueError if none has been valid yet."""
        if self._material is None or time.monotonic() >= self._next_check:
            self._reload_if_changed()
        assert self._material is not None
        return self._material

    def _reload_if_changed(self) -> None:
        self._next_check = time.monotonic() + _CHECK_SECONDS
        state = self._current_file_state()
        if self._material is not None and state == self._file_state:
            return
        material, errors = load_checked(self._files, self._name)
        if material is None or errors:
            if self._material is None:
                raise ValueError("; ".join(errors))
            # Checked again every time, for a certificate that is not valid yet; logged once.
            if state != self._rejected_state:
                log.error("identity.certificate_rejected", errors=errors)
            self._rejected_state = state
            return
        if self._material is not None:
            log.info("identity.certificate_replaced", expires=material.expires.isoformat())
        self._material, self._file_state = material, state
        EXPIRY.labels("rpc").set(material.expires.timestamp())

    def _current_file_state(self) -> object:
        try:
            # Kubernetes replaces mounted files by changing a link; size and mtime in seconds may stay the same.
            return [(stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in map(Path.stat, self._files)]
        except OSError as error:
            return repr(error)
