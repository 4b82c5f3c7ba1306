"""Identity at a process's start: what is wrong with its certificates, and the command that says what its Kafka user may do."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cryptography import x509
from prometheus_client import Gauge

from kit.events.access import commands, strimzi_user
from kit.events.broker import client_files
from kit.identity import EXPIRY, CertificateFiles, certificate_errors
from kit.identity.checking import common_names
from kit.service.service import Service
from kit.settings import BaseSettings, IdentityMode
from kit.settings.loading import Check

_USAGE = """usage: python -m {service} kafka-acls [strimzi CLUSTER NAMESPACE]

Prints what the service's Kafka user may do, and nothing else: arguments of kafka-acls.sh, a line for each ACL, or a KafkaUser of Strimzi.
"""


def identity_check(service: str) -> Check:
    """Checks, before anything is opened, that the service has the certificates that its settings ask for."""

    def check(values: Mapping[str, Any]) -> Iterator[str]:
        mode = values.get("identity")
        names = ("identity_certificate", "identity_key", "identity_authorities")
        if mode not in (None, IdentityMode.OFF) and values.keys() >= set(names):
            found = certificate_errors(CertificateFiles(*(values[name] for name in names)), service)
            yield from (f"IDENTITY={mode}: {fault}" for fault in found)
        if bootstrap := values.get("kafka_bootstrap"):
            yield from _of_kafka(bootstrap, service, mode)

    return check


def _of_kafka(bootstrap: str, service: str, mode: IdentityMode | None) -> Iterator[str]:
    try:
        files = client_files(bootstrap)
    except ValueError as error:
        yield f"KAFKA_BOOTSTRAP: {error}"
        return
    if files is not None:
        # The authorities are the brokers'; who signed our certificate is for them to know.
        found = certificate_errors(files, service, common_names, signed_by_ours=False)
        yield from (f"KAFKA_BOOTSTRAP: {fault}" for fault in found)
    elif mode is IdentityMode.REQUIRE:
        yield f"KAFKA_BOOTSTRAP names no certificate (tls://...?ca=FILE&cert=FILE&key=FILE): IDENTITY={mode}"


def watch_kafka_certificate(settings: BaseSettings) -> None:
    """Has the metric of expiry read the certificate for Kafka whenever it is asked for; Kafka's clients read it at each connection."""
    files = client_files(settings.kafka_bootstrap)
    if files is not None:
        gauge: Gauge = EXPIRY.labels("kafka")
        gauge.set_function(lambda: _expiry(files))


def _expiry(files: CertificateFiles) -> float:
    try:
        return x509.load_pem_x509_certificate(files.chain.read_bytes()).not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        # As good as expired: the next connection fails.
        return 0.0


def kafka_acls(service: Service, words: Sequence[str]) -> int:
    """0: printed; 2: called in a way that is not understood."""
    acls = service.access().acls()
    match words:
        case []:
            print("\n".join(commands(service.name, acls)))
        case ["strimzi", cluster, namespace]:
            print(strimzi_user(service.name, acls, cluster=cluster, namespace=namespace), end="")
        case _:
            print(_USAGE.format(service=service.name), file=sys.stderr)
            return 2
    return 0
