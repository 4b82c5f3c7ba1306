"""Tax rules, and the conversions of taxes that orders and carts share."""

from collections.abc import Sequence
from decimal import Decimal

from souk.order.v1 import order_pb2
from souk.order.v1 import tax_service_pb2 as pb

from gateway.types.tax import CountryTaxes, Tax, TaxCombination, TaxRate, TaxRateInput, TaxTreatment
from kit.errors import Violations
from kit.graphql import Amount, CountryCode
from kit.graphql.conversions import amount, instant_or_none, or_blank, text_or_none, timestamp
from kit.identity import Identity
from kit.rpc import Peer
from kit.values import plain_decimal

_PPM_PER_PERCENT = 10_000


class TaxRules(Peer):
    """Tax rules."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["TaxService"], identity)

    async def list(self, country: CountryCode) -> CountryTaxes:
        """ListTaxRates."""
        request = pb.ListTaxRatesRequest(country_code=country)
        return _taxes((await self._call("ListTaxRates", request, pb.ListTaxRatesResponse)).taxes)

    async def set_rates(
        self, country: CountryCode, rates: Sequence[TaxRateInput], expected_version: int | None
    ) -> CountryTaxes:
        """SetTaxRates."""
        faults = Violations()
        request = pb.SetTaxRatesRequest(
            country_code=country,
            rates=[_rate_message(faults, rate, index) for index, rate in enumerate(rates)],
            expected_version=expected_version,
        )
        faults.raise_if_any()
        return _taxes((await self._call("SetTaxRates", request, pb.SetTaxRatesResponse)).taxes)

    async def set_treatment(
        self, country: CountryCode, treatment: TaxTreatment | None, expected_version: int | None
    ) -> CountryTaxes:
        """SetTaxTreatment."""
        request = pb.SetTaxTreatmentRequest(
            country_code=country,
            treatment="TAX_TREATMENT_" + (treatment.name if treatment else "UNSPECIFIED"),
            expected_version=expected_version,
        )
        return _taxes((await self._call("SetTaxTreatment", request, pb.SetTaxTreatmentResponse)).taxes)


def tax_of(message: order_pb2.OrderTax) -> Tax:
    """A tax of an order."""
    return Tax(
        name=message.name,
        rate=_percent(message.ppm),
        taxable=amount(message.taxable),
        amount=amount(message.amount),
        country=CountryCode(message.country_code),
        region=text_or_none(message.region),
        reason=text_or_none(message.reason),
    )


def _taxes(message: pb.CountryTaxes) -> CountryTaxes:
    treatment = pb.TaxTreatment.Name(message.treatment).removeprefix("TAX_TREATMENT_")
    return CountryTaxes(
        country_code=CountryCode(message.country_code),
        treatment=None if treatment == "UNSPECIFIED" else TaxTreatment[treatment],
        rates=[_rate(rate) for rate in message.rates],
        version=message.version,
    )


def _rate(message: pb.TaxRate) -> TaxRate:
    combination = pb.TaxCombination.Name(message.combination).removeprefix("TAX_COMBINATION_")
    return TaxRate(
        region=text_or_none(message.region),
        postal_prefix=text_or_none(message.postal_prefix),
        tax_class=message.tax_class,
        name=message.name,
        rate=_percent(message.ppm),
        combination=TaxCombination.ADD if combination == "UNSPECIFIED" else TaxCombination[combination],
        reason=text_or_none(message.reason),
        valid_from=instant_or_none(message, "valid_from"),
        valid_until=instant_or_none(message, "valid_until"),
    )


def _rate_message(faults: Violations, rate: TaxRateInput, index: int) -> pb.TaxRate:
    return pb.TaxRate(
        region=rate.region or "",
        postal_prefix=rate.postal_prefix or "",
        tax_class=or_blank(rate.tax_class),
        name=rate.name,
        ppm=_ppm(faults, rate.rate, "rates", index, "rate"),
        combination="TAX_COMBINATION_" + rate.combination.name,
        reason=rate.reason or "",
        valid_from=timestamp(rate.valid_from) if rate.valid_from else None,
        valid_until=timestamp(rate.valid_until) if rate.valid_until else None,
    )


def _percent(ppm: int) -> Amount:
    return Amount(plain_decimal(Decimal(ppm) / _PPM_PER_PERCENT))


def _ppm(faults: Violations, percent: Amount, *path: str | int) -> int:
    ppm = Decimal(percent) * _PPM_PER_PERCENT
    if not 0 <= ppm <= 100 * _PPM_PER_PERCENT or ppm != int(ppm):
        faults.add(path, "must be between 0 and 100, with at most 4 decimals")
        return 0
    return int(ppm)
