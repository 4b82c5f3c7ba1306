"""Validates a certificate, its key and its authorities; reports all errors at once."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import NameOID

T = TypeVar("T")
_NameReader = Callable[[x509.Certificate], set[str]]


class CertificateFiles(NamedTuple):
    """PEM files; `chain` is the certificate followed by the intermediate ones."""

    chain: Path
    key: Path
    authorities: Path


class CertificateMaterial(NamedTuple):
    """The contents of the files."""

    chain: bytes
    key: bytes
    authorities: bytes
    expires: datetime


def dns_names(certificate: x509.Certificate) -> set[str]:
    """The DNS names of a certificate, which gRPC compares."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return set(names.get_values_for_type(x509.DNSName))


def common_names(certificate: x509.Certificate) -> set[str]:
    """The common names of the subject, which Kafka's ACLs refer to."""
    return {str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}


def certificate_errors(
    files: CertificateFiles, name: str, names: _NameReader = dns_names, *, signed_by_ours: bool = True
) -> list[str]:
    """One line for each error, starting with the file; `name` must be among the certificate's `names`.

    With `signed_by_ours` false, the authorities are the peer's, so they need not have signed this certificate.
    """
    return load_checked(files, name, names, signed_by_ours=signed_by_ours)[1]


def load_checked(
    files: CertificateFiles, name: str, names: _NameReader = dns_names, *, signed_by_ours: bool = True
) -> tuple[CertificateMaterial | None, list[str]]:
    """The files' contents, None when a file cannot be read or parsed; and the errors."""
    errors: list[str] = []
    contents = [_read(path, errors) for path in files]
    chain = _parsed(files.chain, contents[0], "a certificate", x509.load_pem_x509_certificates, errors)
    key = _parsed(files.key, contents[1], "a private key", _private_key, errors)
    trusted = _parsed(
        files.authorities, contents[2], "a certificate", x509.load_pem_x509_certificates, errors
    )
    if chain:
        errors += [f"{files.chain} {error}" for error in _of_certificate(chain[0], name, names)]
    if chain and key and _public(key.public_key()) != _public(chain[0].public_key()):
        errors.append(f"{files.key} is not the key of the certificate in {files.chain}")
    if signed_by_ours and chain and trusted and not _leads_to(chain, trusted):
        errors.append(f"{files.chain} was not signed by an authority in {files.authorities}")
    if chain is None or key is None or trusted is None:
        return None, errors
    return CertificateMaterial(contents[0], contents[1], contents[2], chain[0].not_valid_after_utc), errors


def _of_certificate(certificate: x509.Certificate, name: str, names: _NameReader) -> Iterator[str]:
    now = datetime.now(UTC)
    if certificate.not_valid_after_utc < now:
        yield f"expired at {certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    if certificate.not_valid_before_utc > now:
        yield f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}"
    if name not in (actual := names(certificate)):
        yield f"is for {', '.join(sorted(actual)) or 'no name'}, not for {name}"


def _read(path: Path, errors: list[str]) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        errors.append(f"{path} cannot be read: {error.strerror}")
        return b""


def _parsed(
    path: Path, content: bytes, what: str, parse: Callable[[bytes], T], errors: list[str]
) -> T | None:
    if not content:
        return None
    try:
        return parse(content)
    except (ValueError, TypeError):
        # Without the content, which may be a key.
        errors.append(f"{path} does not hold {what} in PEM form")
        return None


def _private_key(content: bytes) -> PrivateKeyTypes:
    return serialization.load_pem_private_key(content, password=None)


def _public(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded


def _leads_to(chain: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate]) -> bool:
    """Whether a trusted certificate signed one of the chain, in which each certificate is signed by the next."""
    for certificate, issuer in zip(chain, [*chain[1:], None], strict=True):
        if any(_signed(certificate, authority) for authority in trusted):
            return True
        if issuer is None or not _signed(certificate, issuer):
            return False
    return False


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
