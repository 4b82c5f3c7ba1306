"""What servers and channels are told of identity."""

from dataclasses import dataclass

from kit.identity.certificates import ReloadingCertificate
from kit.identity.checking import CertificateFiles
from kit.settings import BaseSettings, IdentityMode


@dataclass(frozen=True, slots=True)
class Identity:
    """The certificate of this process. `calls`: it calls by TLS; `requires`: it answers nothing but TLS."""

    certificates: ReloadingCertificate
    calls: bool = True
    requires: bool = True


def identity_from_settings(settings: BaseSettings) -> Identity | None:
    """What the settings say; None when identity is off. Files are read when they are first needed."""
    mode = settings.identity
    if mode is IdentityMode.OFF:
        return None
    return Identity(
        ReloadingCertificate(certificate_files(settings), settings.service),
        calls=mode in (IdentityMode.CALL, IdentityMode.REQUIRE),
        requires=mode is IdentityMode.REQUIRE,
    )


def certificate_files(settings: BaseSettings) -> CertificateFiles:
    """The files of the certificate for calls between services."""
    return CertificateFiles(
        settings.identity_certificate, settings.identity_key, settings.identity_authorities
    )
