"""A certificate authority for tests, which issues certificates for services and for servers on the loopback."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from secrets import token_hex

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


class Authority:
    """Signs certificates; `certificate` is the file with its own, which clients must trust."""

    def __init__(self, folder: Path, name: str = "test") -> None:
        self._folder = folder
        self._name = _subject(f"{name} authority")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = folder / f"{name}-ca.crt"
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self.certificate.write_bytes(_pem(self._signed(self._name, self._key, [constraints])))

    def server(self, name: str) -> Path:
        """A file with a private key and a certificate for a server at 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
        file = self._folder / f"{name}.pem"
        file.write_bytes(_private(key) + _pem(self._signed(_subject(name), key, [names])))
        return file

    def issue(self, mount: "Mount", name: str, *, starts: timedelta = -_DAY, ends: timedelta = _DAY) -> None:
        """Writes a new key and certificate of a service; `starts` and `ends` are its validity relative to now."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        certificate = self._signed(_subject(name), key, [names], starts, ends)
        mount.write(
            {
                "tls.crt": _pem(certificate),
                "tls.key": _private(key),
                "ca.crt": self.certificate.read_bytes(),
            }
        )

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extensions: Sequence[x509.ExtensionType],
        starts: timedelta = -_DAY,
        ends: timedelta = _DAY,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now + starts).not_valid_after(now + ends)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=True)
        return builder.sign(self._key, hashes.SHA256())


class Mount:
    """A folder whose files are replaced atomically via a link, like a mounted Kubernetes Secret."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chain, self.key, self.authorities = (folder / name for name in ("tls.crt", "tls.key", "ca.crt"))
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Replaces the files."""
        version = self.folder / f"..{token_hex(8)}"
        version.mkdir()
        for name, content in files.items():
            (version / name).write_bytes(content)
            if not (link := self.folder / name).is_symlink():
                link.symlink_to(Path("..data", name))
        link = self.folder / "..data_tmp"
        link.symlink_to(version.name)
        link.replace(self.folder / "..data")

    def environment(self) -> dict[str, str]:
        """Environment variables that make a service require mutual TLS with these files."""
        return {
            "IDENTITY": "require",
            "IDENTITY_CERTIFICATE": str(self.chain),
            "IDENTITY_KEY": str(self.key),
            "IDENTITY_AUTHORITIES": str(self.authorities),
        }


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
