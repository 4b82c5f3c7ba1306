"""What is wrong with a certificate, its key and its authorities; every fault at once."""

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
_Names = Callable[[x509.Certificate], set[str]]


class CertificateFiles(NamedTuple):
    """PEM files; `chain` is the certificate followed by those between it and an authority."""

    chain: Path
    key: Path
    authorities: Path


class Material(NamedTuple):
    """What stands in the files."""

    chain: bytes
    key: bytes
    authorities: bytes
    expires: datetime


def dns_names(certificate: x509.Certificate) -> set[str]:
    """The DNS names that a certificate is for: what gRPC compares."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return set(names.get_values_for_type(x509.DNSName))


def common_names(certificate: x509.Certificate) -> set[str]:
    """The subject's common name: what Kafka's ACLs are for."""
    return {str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}


def certificate_errors(
    files: CertificateFiles, name: str, names: _Names = dns_names, *, signed_by_ours: bool = True
) -> list[str]:
    """A line for each fault, beginning with the file; `name` must be among the certificate's `names`.

    Without `signed_by_ours`, the authorities are those of others, and who signed this certificate is for them to know.
    """
    return checked(files, name, names, signed_by_ours=signed_by_ours)[1]


def checked(
    files: CertificateFiles, name: str, names: _Names = dns_names, *, signed_by_ours: bool = True
) -> tuple[Material | None, list[str]]:
    """The files' contents, and their faults; the contents are None when a file cannot be read at all."""
    found: list[str] = []
    contents = [_read(path, found) for path in files]
    chain = _parsed(files.chain, contents[0], "a certificate", x509.load_pem_x509_certificates, found)
    key = _parsed(files.key, contents[1], "a private key", _private_key, found)
    trusted = _parsed(files.authorities, contents[2], "a certificate", x509.load_pem_x509_certificates, found)
    if chain:
        found += [f"{files.chain} {fault}" for fault in _of_certificate(chain[0], name, names)]
    if chain and key and _public(key.public_key()) != _public(chain[0].public_key()):
        found.append(f"{files.key} is not the key of the certificate in {files.chain}")
    if signed_by_ours and chain and trusted and not _leads_to(chain, trusted):
        found.append(f"{files.chain} was not signed by an authority in {files.authorities}")
    if chain is None or key is None or trusted is None:
        return None, found
    return Material(contents[0], contents[1], contents[2], chain[0].not_valid_after_utc), found


def _of_certificate(certificate: x509.Certificate, name: str, names: _Names) -> Iterator[str]:
    now = datetime.now(UTC)
    if certificate.not_valid_after_utc < now:
        yield f"expired at {certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    if certificate.not_valid_before_utc > now:
        yield f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}"
    if name not in (given := names(certificate)):
        yield f"is for {', '.join(sorted(given)) or 'no name'}, not for {name}"


def _read(path: Path, found: list[str]) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        found.append(f"{path} cannot be read: {error.strerror}")
        return b""


def _parsed(path: Path, content: bytes, what: str, parse: Callable[[bytes], T], found: list[str]) -> T | None:
    if not content:
        return None
    try:
        return parse(content)
    except (ValueError, TypeError):
        # Nothing of the content: it may be a key.
        found.append(f"{path} does not hold {what} in PEM form")
        return None


def _private_key(content: bytes) -> PrivateKeyTypes:
    return serialization.load_pem_private_key(content, password=None)


def _public(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded


def _leads_to(chain: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate]) -> bool:
    """Whether one of the chain, each of which signed the one before, was signed by a trusted one."""
    for certificate, issuer in zip(chain, [*chain[1:], None], strict=True):
        if any(_signed(certificate, each) for each in trusted):
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
