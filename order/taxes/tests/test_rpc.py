"""Declaring tax rates on PostgreSQL: overlaps, versions, bad input, concurrent writes, and what a running process notices."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from souk.order.v1 import tax_service_pb2 as pb

from kit.db import ExclusionViolation
from kit.errors import Aborted, InvalidArgument, PermissionDenied, ResourceExhausted
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import customer
from kit.values import TAXES, timestamp_to_proto
from order.pricing.places import Place
from order.pricing.rules import Treatment
from order.taxes import store
from order.tests.rules_edge import RulesEdge, rules_edge

__all__ = ["database_url", "postgres", "rules_edge"]

START = datetime(2027, 1, 1, tzinfo=UTC)


def rate(ppm: int = 81_000, name: str = "MWST", **fields: Any) -> pb.TaxRate:
    return pb.TaxRate(name=name, ppm=ppm, **fields)


def until(time: datetime) -> dict[str, Any]:
    return {"valid_until": timestamp_to_proto(time)}


def since(time: datetime) -> dict[str, Any]:
    return {"valid_from": timestamp_to_proto(time)}


async def test_set_tax_rates_declares_the_whole_table_of_a_country(rules_edge: RulesEdge) -> None:
    await rules_edge.set_rates(rate(), rate(26_000, tax_class="reduced"))
    await rules_edge.set_rates(rate(), country="LI")
    taxes = await rules_edge.set_rates(rate(82_000))

    request = pb.ListTaxRatesRequest(country_code="CH")
    listed = await rules_edge.tax("ListTaxRates", request, pb.ListTaxRatesResponse)

    assert listed.taxes == taxes
    assert [(row.ppm, row.tax_class) for row in taxes.rates] == [(82_000, "standard")]
    assert taxes.version == 2
    assert await rules_edge.audited() == [TAXES.format(TAXES.derive(code)) for code in ("CH", "LI", "CH")]


async def test_a_country_without_rules_has_version_0(rules_edge: RulesEdge) -> None:
    request = pb.ListTaxRatesRequest(country_code="FR")

    listed = await rules_edge.tax("ListTaxRates", request, pb.ListTaxRatesResponse)

    assert (listed.taxes.version, len(listed.taxes.rates)) == (0, 0)


async def test_places_are_stored_as_they_are_compared(rules_edge: RulesEdge) -> None:
    taxes = await rules_edge.set_rates(rate(region="us-ca", postal_prefix="90 0"), country="US")

    assert (taxes.rates[0].region, taxes.rates[0].postal_prefix) == ("CA", "900")


@pytest.mark.parametrize(
    ("rates", "second"),
    [
        ([rate(), rate(82_000)], 1),
        ([rate(**since(START)), rate(26_000, tax_class="reduced"), rate(82_000)], 2),
        ([rate(82_000, **since(START)), rate(**until(START + timedelta(seconds=1)))], 1),
        ([rate(region="ZH"), rate(82_000, region="zh ")], 1),
    ],
)
async def test_rates_that_apply_at_one_time_are_rejected_and_named(
    rules_edge: RulesEdge, rates: list[pb.TaxRate], second: int
) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await rules_edge.set_rates(*rates)

    assert rejection.value.reason == "TAX_OVERLAP"
    assert [fault.path for fault in rejection.value.fields] == [("rates", second)]
    assert await rules_edge.revision() == 1


async def test_all_rates_that_apply_at_one_time_are_named(rules_edge: RulesEdge) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await rules_edge.set_rates(rate(), rate(1, name="local"), rate(2), rate(3, name="local"))

    assert [fault.path for fault in rejection.value.fields] == [("rates", 2), ("rates", 3)]


@pytest.mark.parametrize(
    "rates",
    [
        [rate(**until(START)), rate(82_000, **since(START))],
        [rate(), rate(26_000, tax_class="reduced")],
        [rate(), rate(1, name="surcharge")],
        [rate(), rate(82_000, region="ZH"), rate(1, postal_prefix="80")],
    ],
)
async def test_rates_that_differ_in_time_class_name_or_place_are_accepted(
    rules_edge: RulesEdge, rates: list[pb.TaxRate]
) -> None:
    assert len((await rules_edge.set_rates(*rates)).rates) == len(rates)


async def test_the_database_rejects_overlapping_rates_too(rules_edge: RulesEdge) -> None:
    await rules_edge.set_rates(rate(**until(START)))

    with pytest.raises(ExclusionViolation, match="tax_rates_overlap"):
        await rules_edge.db.execute(
            "INSERT INTO tax_rates SELECT $1, country, 9, region, postal_prefix, class, name, ppm, combine, reason FROM tax_rates",
            TAXES.new(),
        )


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"ppm": 1_000_001}, ("rates", 0, "rate")),
        ({"ppm": -1}, ("rates", 0, "rate")),
        ({"name": " "}, ("rates", 0, "name")),
        ({"tax_class": "Reduced!"}, ("rates", 0, "taxClass")),
        ({"postal_prefix": "12345678901"}, ("rates", 0, "postalPrefix")),
        ({**since(START), **until(START)}, ("rates", 0, "validUntil")),
        ({"reason": "x" * 201}, ("rates", 0, "reason")),
    ],
)
async def test_bad_rates_are_named(
    rules_edge: RulesEdge, fields: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await rules_edge.set_rates(rate(**{"ppm": 1, "name": "x", **fields}))

    assert [fault.path for fault in rejection.value.fields] == [path]


async def test_an_unknown_country_is_rejected(rules_edge: RulesEdge) -> None:
    with pytest.raises(InvalidArgument, match="countryCode"):
        await rules_edge.set_rates(country="XX")


async def test_an_outdated_version_is_a_conflict(rules_edge: RulesEdge) -> None:
    await rules_edge.set_rates(rate(), expected=0)

    with pytest.raises(Aborted) as rejection:
        await rules_edge.set_rates(rate(82_000), expected=0)

    assert (rejection.value.reason, rejection.value.details) == ("VERSION_CONFLICT", {"version": 1})


async def test_of_concurrent_writes_that_expect_one_version_one_succeeds(rules_edge: RulesEdge) -> None:
    writes = [rules_edge.set_rates(rate(ppm), expected=0) for ppm in range(10)]

    results = await asyncio.gather(*writes, return_exceptions=True)

    assert sum(isinstance(result, pb.CountryTaxes) for result in results) == 1
    assert await rules_edge.revision() == 2


async def test_set_tax_treatment_keeps_the_rates(rules_edge: RulesEdge) -> None:
    await rules_edge.set_rates(rate())
    request = pb.SetTaxTreatmentRequest(country_code="CH", treatment=pb.TAX_TREATMENT_REPLACED)

    response = await rules_edge.tax("SetTaxTreatment", request, pb.SetTaxTreatmentResponse)
    rules = (await rules_edge.rules.newest()).rules
    request.treatment = pb.TAX_TREATMENT_UNSPECIFIED
    cleared = await rules_edge.tax("SetTaxTreatment", request, pb.SetTaxTreatmentResponse)

    assert (len(response.taxes.rates), response.taxes.version) == (1, 2)
    assert rules.treatment("CH") is Treatment.REPLACED
    assert cleared.taxes.treatment == pb.TAX_TREATMENT_UNSPECIFIED


async def test_a_running_process_notices_new_rates(rules_edge: RulesEdge) -> None:
    before = await rules_edge.rules.newest()
    await rules_edge.set_rates(rate())
    after = await rules_edge.rules.newest()

    assert (before.rules.change_prices, after.rules.change_prices) == (False, True)
    assert [row.ppm for row in after.rules.tax_rates[Place("CH")]] == [81_000]


async def test_too_many_rates_of_all_countries_are_rejected(
    rules_edge: RulesEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_RATES", 2)
    await rules_edge.set_rates(rate(), rate(26_000, tax_class="reduced"))

    with pytest.raises(ResourceExhausted) as rejection:
        await rules_edge.set_rates(rate(), country="LI")

    assert rejection.value.reason == "TAX_RATE_LIMIT"
    assert await rules_edge.revision() == 2


@pytest.mark.parametrize("method", ["ListTaxRates", "SetTaxRates", "SetTaxTreatment"])
async def test_tax_rules_are_for_admins(rules_edge: RulesEdge, method: str) -> None:
    request, response = getattr(pb, f"{method}Request")(country_code="CH"), getattr(pb, f"{method}Response")

    with pytest.raises(PermissionDenied):
        await rules_edge.tax(method, request, response, customer())


@pytest.mark.parametrize("method", ["SetTaxRates", "SetTaxTreatment"])
async def test_an_admin_whose_role_was_taken_away_writes_nothing(rules_edge: RulesEdge, method: str) -> None:
    rules_edge.admins.demoted.add(rules_edge.operator.account_id)
    request, response = getattr(pb, f"{method}Request")(country_code="CH"), getattr(pb, f"{method}Response")

    with pytest.raises(PermissionDenied):
        await rules_edge.tax(method, request, response)
    assert await rules_edge.revision() == 1
