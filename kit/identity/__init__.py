"""Who a process is to others: its certificate, its key and the authorities it trusts, from files that are replaced while it runs.

`identity_of(settings)` is what servers and channels are made with (kit.rpc); None when identity is off. Not here: what a name
allows its owner to do. That is said by each service (`kit.service.Service.callers`).
"""

from kit.identity.certificates import EXPIRY, ReloadingCertificate
from kit.identity.checking import CertificateFiles, Material, certificate_errors
from kit.identity.identity import Identity, identity_from_settings

__all__ = [
    "EXPIRY",
    "CertificateFiles",
    "Identity",
    "Material",
    "ReloadingCertificate",
    "certificate_errors",
    "identity_from_settings",
]
