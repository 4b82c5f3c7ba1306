"""Mutual TLS: a process's certificate, key and trusted authorities, from files that may be replaced while it runs.

Servers and channels (`kit.rpc`) take `identity_from_settings(settings)`, which is None when identity is off. Not here: authorization, which
each service declares (`kit.service.Service.callers`).
"""

from kit.identity.certificates import EXPIRY, ReloadingCertificate
from kit.identity.checking import CertificateFiles, CertificateMaterial, certificate_errors
from kit.identity.identity import Identity, identity_from_settings

__all__ = [
    "EXPIRY",
    "CertificateFiles",
    "CertificateMaterial",
    "Identity",
    "ReloadingCertificate",
    "certificate_errors",
    "identity_from_settings",
]
