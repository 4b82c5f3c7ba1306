"""Mutual TLS in the production overlay: certificates, Kafka users and network policies are consistent with the services' declarations."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import yaml

from kit.events.access import strimzi_user
from kit.service import Service
from kit.settings import IdentityMode, load
from tests.manifests.manifests import (
    BASE,
    PRODUCTION,
    SERVICES,
    built,
    deployment,
    named,
    of_kind,
    server,
    service_environment,
    settings,
)

every_service = pytest.mark.parametrize("service", SERVICES)


def mounted(service: str) -> Mapping[Path, str]:
    """Secrets by the folder where they are mounted."""
    volumes = deployment(PRODUCTION, service)["spec"]["template"]["spec"]["volumes"]
    secret = {volume["name"]: volume["secret"]["secretName"] for volume in volumes if "secret" in volume}
    mounts = server(PRODUCTION, service)["volumeMounts"]
    return {Path(mount["mountPath"]): secret[mount["name"]] for mount in mounts if mount["name"] in secret}


def declared(service: str) -> Service:
    """The service, built for development."""
    built_service: Service = import_module(f"{service}.app").build(
        load(settings(service), {"PROFILE": "development"})
    )
    return built_service


def callers(service: str) -> set[str]:
    """All allowed callers of its RPCs."""
    return {caller for allowed in declared(service).callers.values() for caller in allowed}


@every_service
def test_production_requires_certificates_and_the_base_does_not(service: str) -> None:
    assert load(settings(service), service_environment(PRODUCTION, service)).identity is IdentityMode.REQUIRE
    assert load(settings(service), service_environment(BASE, service)).identity is IdentityMode.OFF


@every_service
def test_the_settings_have_the_services_name(service: str) -> None:
    assert settings(service).service == declared(service).name == service


@every_service
def test_the_services_certificate_is_mounted_where_it_reads_it(service: str) -> None:
    loaded = load(settings(service), service_environment(PRODUCTION, service))
    files = (loaded.identity_certificate, loaded.identity_key, loaded.identity_authorities)
    # The file names of cert-manager.
    assert [file.name for file in files] == ["tls.crt", "tls.key", "ca.crt"]
    [folder] = {file.parent for file in files}
    [certificate] = [
        manifest["spec"]
        for manifest in of_kind(built(PRODUCTION), "Certificate")
        if manifest["spec"]["secretName"] == mounted(service)[folder]
    ]
    assert certificate["dnsNames"] == [service]
    assert {"server auth", "client auth"} <= set(certificate["usages"])
    issuer = named(built(PRODUCTION), "Issuer", certificate["issuerRef"]["name"])["spec"]
    [authority] = [
        manifest["spec"]
        for manifest in of_kind(built(PRODUCTION), "Certificate")
        if manifest["spec"]["secretName"] == issuer["ca"]["secretName"]
    ]
    assert authority["isCA"]


def test_the_authority_signs_only_certificates_of_services() -> None:
    certificates = [
        manifest["spec"]
        for manifest in of_kind(built(PRODUCTION), "Certificate")
        if not manifest["spec"].get("isCA")
    ]
    assert sorted(name for certificate in certificates for name in certificate["dnsNames"]) == sorted(
        SERVICES
    )


@every_service
def test_the_kafka_user_has_the_acls_that_the_service_declares(service: str) -> None:
    expected = strimzi_user(service, declared(service).access().acls(), cluster="souk", namespace="ecommerce")
    assert named(built(PRODUCTION), "KafkaUser", service) == yaml.safe_load(expected), (
        f"PROFILE=development python -m {service} kafka-acls strimzi souk ecommerce"
    )


@every_service
def test_the_kafka_users_certificate_is_mounted_where_the_bootstrap_address_names_it(service: str) -> None:
    bootstrap = load(settings(service), service_environment(PRODUCTION, service)).kafka_bootstrap
    files = {name: Path(value[0]) for name, value in parse_qs(bootstrap.partition("?")[2]).items()}
    # The file names of Strimzi.
    assert (files["cert"].name, files["key"].name) == ("user.crt", "user.key")
    kafka = named(built(PRODUCTION), "Kafka", "souk")["spec"]
    operator = kafka["entityOperator"]["userOperator"]
    assert mounted(service)[files["cert"].parent] == operator["secretPrefix"] + service
    assert files["key"].parent == files["cert"].parent
    user = named(built(PRODUCTION), "KafkaUser", service)["metadata"]
    assert user["namespace"] == operator["watchedNamespace"] == "ecommerce"
    assert user["labels"]["strimzi.io/cluster"] == "souk"


def test_kafka_authenticates_and_authorizes_by_certificate() -> None:
    kafka = named(built(PRODUCTION), "Kafka", "souk")["spec"]["kafka"]
    assert {listener["authentication"]["type"] for listener in kafka["listeners"]} == {"tls"}
    assert kafka["authorization"] == {"type": "simple"}


def test_only_the_services_and_the_operator_are_kafka_users() -> None:
    users = {user["metadata"]["name"] for user in of_kind(built(PRODUCTION), "KafkaUser")}
    assert users == {*SERVICES, "operator"}


@every_service
def test_the_network_policy_allows_exactly_the_callers_on_the_list(service: str) -> None:
    policy = named(built(BASE), "NetworkPolicy", service)["spec"]["ingress"]
    allowed = {
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for rule in policy
        if {"port": 9080} in rule["ports"]
        for peer in rule["from"]
    }
    assert allowed == callers(service)


@every_service
def test_exactly_the_callers_on_the_list_get_the_address(service: str) -> None:
    address = f"{service}:9080"
    assert {
        caller for caller in SERVICES if address in service_environment(BASE, caller).values()
    } == callers(service)
