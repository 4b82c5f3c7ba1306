"""Checks a process's certificates at its start; the command that prints the ACLs of its Kafka user."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cryptography import x509
from prometheus_client import Gauge

from kit.events.access import acl_commands, strimzi_user
from kit.events.broker import client_files
from kit.identity import EXPIRY, CertificateFiles, certificate_errors
from kit.identity.checking import common_names
from kit.service.service import Service
from kit.settings import BaseSettings, IdentityMode
from kit.settings.loading import Check

_USAGE = """usage: python -m {service} kafka-acls [strimzi CLUSTER NAMESPACE]

Prints the ACLs of the service's Kafka user: arguments of kafka-acls.sh, one line per ACL, or a KafkaUser of Strimzi.
"""


def identity_check(service: str) -> Check:
    """Checks, before anything is opened, that the certificates that the settings require are valid."""

    def check(values: Mapping[str, Any]) -> Iterator[str]:
        mode = values.get("identity")
        names = ("identity_certificate", "identity_key", "identity_authorities")
        if mode not in (None, IdentityMode.OFF) and values.keys() >= set(names):
            errors = certificate_errors(CertificateFiles(*(values[name] for name in names)), service)
            yield from (f"IDENTITY={mode}: {error}" for error in errors)
        if bootstrap := values.get("kafka_bootstrap"):
            yield from _kafka_errors(bootstrap, service, mode)

    return check


def _kafka_errors(bootstrap: str, service: str, mode: IdentityMode | None) -> Iterator[str]:
    try:
        files = client_files(bootstrap)
    except ValueError as error:
        yield f"KAFKA_BOOTSTRAP: {error}"
        return
    if files is not None:
        # The authorities are the brokers', which need not have signed our certificate.
        errors = certificate_errors(files, service, common_names, signed_by_ours=False)
        yield from (f"KAFKA_BOOTSTRAP: {error}" for error in errors)
    elif mode is IdentityMode.REQUIRE:
        yield f"KAFKA_BOOTSTRAP has no client certificate (tls://...?ca=FILE&cert=FILE&key=FILE), required by IDENTITY={mode}"


def watch_kafka_certificate(settings: BaseSettings) -> None:
    """Makes the expiry metric read the Kafka certificate at each scrape, since Kafka clients read it at each connection."""
    files = client_files(settings.kafka_bootstrap)
    if files is not None:
        gauge: Gauge = EXPIRY.labels("kafka")
        gauge.set_function(lambda: _expiry(files))


def _expiry(files: CertificateFiles) -> float:
    try:
        return x509.load_pem_x509_certificate(files.chain.read_bytes()).not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        # Reported as expired: the next connection will fail.
        return 0.0


def kafka_acls(service: Service, args: Sequence[str]) -> int:
    """Exit status 0: printed; 2: invalid arguments."""
    acls = service.access().acls()
    match args:
        case []:
            print("\n".join(acl_commands(service.name, acls)))
        case ["strimzi", cluster, namespace]:
            print(strimzi_user(service.name, acls, cluster=cluster, namespace=namespace), end="")
        case _:
            print(_USAGE.format(service=service.name), file=sys.stderr)
            return 2
    return 0
