"""The identity that servers and channels use."""

from dataclasses import dataclass

from kit.identity.certificates import ReloadingCertificate
from kit.identity.checking import CertificateFiles
from kit.settings import BaseSettings, IdentityMode


@dataclass(frozen=True, slots=True)
class Identity:
    """The certificate of this process; whether its calls use TLS, and whether its server requires TLS."""

    certificates: ReloadingCertificate
    calls_use_tls: bool = True
    requires_tls: bool = True


def identity_from_settings(settings: BaseSettings) -> Identity | None:
    """The identity that the settings configure; None when it is off. The files are read when first needed."""
    mode = settings.identity
    if mode is IdentityMode.OFF:
        return None
    return Identity(
        ReloadingCertificate(certificate_files(settings), settings.service),
        calls_use_tls=mode in (IdentityMode.CALL, IdentityMode.REQUIRE),
        requires_tls=mode is IdentityMode.REQUIRE,
    )


def certificate_files(settings: BaseSettings) -> CertificateFiles:
    """The files of the certificate for calls between services."""
    return CertificateFiles(
        settings.identity_certificate, settings.identity_key, settings.identity_authorities
    )
