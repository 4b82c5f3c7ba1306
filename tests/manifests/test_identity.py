"""Identity in the production overlay: certificates, Kafka users and network policies, in step with what services declare."""

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
    Manifest,
    built,
    environment,
    named,
    of_kind,
    secrets,
    settings,
)

each_service = pytest.mark.parametrize("service", SERVICES)
AT = {BASE: (), PRODUCTION: ("production",)}


def pod(folder: str, service: str) -> Manifest:
    name = "graphql-gateway" if service == "gateway" else service
    found: Manifest = named(built(folder), "Deployment", name)["spec"]["template"]["spec"]
    return found


def told(folder: str, service: str) -> Mapping[str, str]:
    return environment(pod(folder, service)["containers"][0], built(folder), secrets(*AT[folder]))


def mounted(service: str) -> Mapping[Path, str]:
    """Secrets by the folder that they are mounted at."""
    spec = pod(PRODUCTION, service)
    secret = {each["name"]: each["secret"]["secretName"] for each in spec["volumes"] if "secret" in each}
    mounts = spec["containers"][0]["volumeMounts"]
    return {Path(each["mountPath"]): secret[each["name"]] for each in mounts if each["name"] in secret}


def declared(service: str) -> Service:
    """The service as it says it is."""
    made: Service = import_module(f"{service}.app").build(load(settings(service), {"PROFILE": "development"}))
    return made


def callers(service: str) -> set[str]:
    """Whoever may call any of its RPCs."""
    return {caller for listed in declared(service).callers.values() for caller in listed}


@each_service
def test_production_requires_identity_and_a_try_out_does_not(service: str) -> None:
    assert load(settings(service), told(PRODUCTION, service)).identity is IdentityMode.REQUIRE
    assert load(settings(service), told(BASE, service)).identity is IdentityMode.OFF


@each_service
def test_the_settings_know_the_services_name(service: str) -> None:
    assert settings(service).service == declared(service).name == service


@each_service
def test_a_certificate_for_its_name_is_mounted_where_the_service_reads_it(service: str) -> None:
    loaded = load(settings(service), told(PRODUCTION, service))
    files = (loaded.identity_certificate, loaded.identity_key, loaded.identity_authorities)
    # As cert-manager names what it writes.
    assert [file.name for file in files] == ["tls.crt", "tls.key", "ca.crt"]
    [folder] = {file.parent for file in files}
    [certificate] = [
        each["spec"]
        for each in of_kind(built(PRODUCTION), "Certificate")
        if each["spec"]["secretName"] == mounted(service)[folder]
    ]
    assert certificate["dnsNames"] == [service]
    assert {"server auth", "client auth"} <= set(certificate["usages"])
    issuer = named(built(PRODUCTION), "Issuer", certificate["issuerRef"]["name"])["spec"]
    [authority] = [
        each["spec"]
        for each in of_kind(built(PRODUCTION), "Certificate")
        if each["spec"]["secretName"] == issuer["ca"]["secretName"]
    ]
    assert authority["isCA"]


def test_the_authority_signs_nothing_but_the_services() -> None:
    certificates = [
        each["spec"] for each in of_kind(built(PRODUCTION), "Certificate") if not each["spec"].get("isCA")
    ]
    assert sorted(name for each in certificates for name in each["dnsNames"]) == sorted(SERVICES)


@each_service
def test_the_user_of_kafka_may_do_what_the_service_declares(service: str) -> None:
    printed = strimzi_user(service, declared(service).access().acls(), cluster="souk", namespace="ecommerce")
    assert named(built(PRODUCTION), "KafkaUser", service) == yaml.safe_load(printed), (
        f"PROFILE=development python -m {service} kafka-acls strimzi souk ecommerce"
    )


@each_service
def test_the_users_certificate_is_mounted_where_the_address_names_it(service: str) -> None:
    bootstrap = load(settings(service), told(PRODUCTION, service)).kafka_bootstrap
    files = {name: Path(value[0]) for name, value in parse_qs(bootstrap.partition("?")[2]).items()}
    # As Strimzi names what it writes.
    assert (files["cert"].name, files["key"].name) == ("user.crt", "user.key")
    kafka = named(built(PRODUCTION), "Kafka", "souk")["spec"]
    operator = kafka["entityOperator"]["userOperator"]
    assert mounted(service)[files["cert"].parent] == operator["secretPrefix"] + service
    assert files["key"].parent == files["cert"].parent
    user = named(built(PRODUCTION), "KafkaUser", service)["metadata"]
    assert user["namespace"] == operator["watchedNamespace"] == "ecommerce"
    assert user["labels"]["strimzi.io/cluster"] == "souk"


def test_kafka_admits_and_allows_by_certificate() -> None:
    kafka = named(built(PRODUCTION), "Kafka", "souk")["spec"]["kafka"]
    assert {each["authentication"]["type"] for each in kafka["listeners"]} == {"tls"}
    assert kafka["authorization"] == {"type": "simple"}


def test_nobody_but_the_services_and_the_operator_is_a_user() -> None:
    users = {each["metadata"]["name"] for each in of_kind(built(PRODUCTION), "KafkaUser")}
    assert users == {*SERVICES, "operator"}


@each_service
def test_its_network_policy_lets_in_whoever_is_on_its_list(service: str) -> None:
    policy = named(built(BASE), "NetworkPolicy", service)["spec"]["ingress"]
    let_in = {
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for rule in policy
        if {"port": 9080} in rule["ports"]
        for peer in rule["from"]
    }
    assert let_in == callers(service)


@each_service
def test_who_is_told_its_address_is_on_its_list_and_nobody_else(service: str) -> None:
    address = f"{service}:9080"
    assert {each for each in SERVICES if address in told(BASE, each).values()} == callers(service)
