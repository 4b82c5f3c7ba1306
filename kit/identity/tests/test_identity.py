"""Certificates from files: every fault is named at once, and a new one is used once it is whole."""

from datetime import timedelta
from pathlib import Path

import pytest

from kit.identity import CertificateFiles, ReloadingCertificate, certificate_errors, identity_from_settings
from kit.identity import certificates as module
from kit.settings import BaseSettings, load
from kit.testing.certificates import Authority, Mount

HOUR = timedelta(hours=1)


def files(mount: Mount) -> CertificateFiles:
    return CertificateFiles(mount.chain, mount.key, mount.authorities)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def mount(tmp_path: Path, authority: Authority) -> Mount:
    mount = Mount(tmp_path / "identity")
    authority.issue(mount, "order")
    return mount


@pytest.fixture(autouse=True)
def at_each_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHECK_SECONDS", 0.0)


def test_a_right_certificate_has_no_fault(mount: Mount) -> None:
    assert certificate_errors(files(mount), "order") == []


def test_every_missing_file_is_named(tmp_path: Path) -> None:
    result = certificate_errors(files(Mount(tmp_path / "nothing")), "order")
    assert [Path(fault.split(" ")[0]).name for fault in result] == ["tls.crt", "tls.key", "ca.crt"]
    assert all("cannot be read: No such file" in fault for fault in result)


def test_all_faults_of_one_certificate_are_named_at_once(
    mount: Mount, authority: Authority, tmp_path: Path
) -> None:
    key = mount.key.read_bytes()
    Authority(tmp_path, "other").issue(mount, "catalog", ends=-HOUR)
    mount.write(
        {"tls.crt": mount.chain.read_bytes(), "tls.key": key, "ca.crt": authority.certificate.read_bytes()}
    )
    text = "\n".join(certificate_errors(files(mount), "order"))
    for fault in ("expired at", "is for catalog, not for order", "is not the key of", "was not signed by"):
        assert fault in text


def test_a_certificate_of_tomorrow_is_a_fault(mount: Mount, authority: Authority) -> None:
    authority.issue(mount, "order", starts=HOUR)
    assert "is not valid before" in certificate_errors(files(mount), "order")[0]


@pytest.mark.parametrize("name", ["tls.crt", "tls.key", "ca.crt"])
def test_what_is_no_pem_is_a_fault_and_is_not_shown(mount: Mount, name: str) -> None:
    content = {path.name: path.read_bytes() for path in files(mount)}
    mount.write(content | {name: b"a secret"})
    [fault] = certificate_errors(files(mount), "order")
    assert "does not hold" in fault
    assert "secret" not in fault


def test_a_replaced_certificate_is_used(mount: Mount, authority: Authority) -> None:
    certificates = ReloadingCertificate(files(mount), "order")
    before = certificates.current()
    assert certificates.current() is before
    authority.issue(mount, "order")
    assert certificates.current().chain == mount.chain.read_bytes() != before.chain


def test_one_that_is_not_right_is_not(mount: Mount, authority: Authority) -> None:
    certificates = ReloadingCertificate(files(mount), "order")
    before = certificates.current()
    authority.issue(mount, "catalog")
    assert certificates.current() is before
    mount.chain.unlink()
    assert certificates.current() is before
    authority.issue(mount, "order")
    assert certificates.current().chain == mount.chain.read_bytes()


def test_without_a_first_one_there_is_nothing_to_use(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tls\.crt cannot be read"):
        ReloadingCertificate(files(Mount(tmp_path / "nothing")), "order").current()


@pytest.mark.parametrize(
    ("profile", "mode", "expected"),
    [
        ("development", "", None),
        ("development", "require", (True, True)),
        ("production", "", (True, True)),
        ("production", "call", (True, False)),
        ("production", "accept", (False, False)),
        ("production", "off", None),
    ],
)
def test_production_requires_it_and_the_steps_there_are_settings(
    profile: str, mode: str, expected: tuple[bool, bool] | None
) -> None:
    environment = {"PROFILE": profile, "IDENTITY": mode, "HTTP_PORT": "1", "GRPC_PORT": "1", "JWKS_URL": "x"}
    identity = identity_from_settings(load(BaseSettings, environment | {"KAFKA_BOOTSTRAP": "x:1"}))
    assert (identity and (identity.calls_use_tls, identity.requires_tls)) == expected
