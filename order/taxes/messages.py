"""The contract's messages of tax rules <-> the domain. Validation errors name the public API's paths (rates.0.rate)."""

from datetime import datetime

from google.protobuf.message import Message
from souk.order.v1 import tax_service_pb2 as pb

from kit.errors import InvalidArgument
from kit.values import FieldReader, timestamp_from_proto, timestamp_to_proto
from order.pricing.rules import Combine, TaxRate, Treatment
from order.rules.fields import read_place, read_tax_class
from order.taxes.domain import MAX_RATES, CountryTaxes

_MAX_NAME_LENGTH = 100
_MAX_REASON_LENGTH = 200
_MAX_PPM = 1_000_000
_TREATMENT = "TAX_TREATMENT_"
_COMBINATION = "TAX_COMBINATION_"


def country_from_proto(code: str) -> str:
    """Raises InvalidArgument."""
    reader = FieldReader()
    country = reader.country(code, "countryCode")
    reader.raise_if_invalid()
    return country


def rates_from_proto(request: pb.SetTaxRatesRequest) -> tuple[str, list[TaxRate]]:
    """A country and its rates; raises InvalidArgument with all violations."""
    reader = FieldReader()
    country = reader.country(request.country_code, "countryCode")
    reader.require(len(request.rates) <= MAX_RATES, f"must have at most {MAX_RATES:,}", "rates")
    rates = [
        _rate(reader, country, rate, "rates", index) for index, rate in enumerate(request.rates[:MAX_RATES])
    ]
    reader.raise_if_invalid()
    return country, rates


def treatment_from_proto(number: pb.TaxTreatment) -> Treatment | None:
    """None for that of the whole shop; raises InvalidArgument for an unknown one."""
    if number == pb.TAX_TREATMENT_UNSPECIFIED:
        return None
    if number not in pb.TaxTreatment.values():
        raise InvalidArgument("treatment: unknown")
    return Treatment(pb.TaxTreatment.Name(number).removeprefix(_TREATMENT))


def taxes_to_proto(taxes: CountryTaxes) -> pb.CountryTaxes:
    """A country's rules."""
    return pb.CountryTaxes(
        country_code=taxes.country,
        treatment=_TREATMENT + (taxes.treatment or "UNSPECIFIED"),
        rates=[_rate_to_proto(rate) for rate in taxes.rates],
        version=taxes.version,
    )


def _rate(reader: FieldReader, country: str, rate: pb.TaxRate, *path: str | int) -> TaxRate:
    start, end = _time(rate, "valid_from"), _time(rate, "valid_until")
    reader.require(not (start and end) or start < end, "must be after validFrom", *path, "validUntil")
    combine = Combine.ADD
    if rate.combination == pb.TAX_COMBINATION_REPLACE:
        combine = Combine.REPLACE
    return TaxRate(
        place=read_place(reader, country, rate.region, rate.postal_prefix, *path),
        name=reader.name(rate.name, *path, "name", max_length=_MAX_NAME_LENGTH),
        ppm=reader.integer(rate.ppm, *path, "rate", minimum=0, maximum=_MAX_PPM),
        tax_class=read_tax_class(reader, rate.tax_class, *path, "taxClass"),
        combine=combine,
        reason=reader.text(rate.reason, *path, "reason", max_length=_MAX_REASON_LENGTH),
        valid_from=start,
        valid_until=end,
    )


def _time(message: Message, field: str) -> datetime | None:
    return timestamp_from_proto(getattr(message, field)) if message.HasField(field) else None


def _rate_to_proto(rate: TaxRate) -> pb.TaxRate:
    return pb.TaxRate(
        region=rate.place.region,
        postal_prefix=rate.place.postal_prefix,
        tax_class=rate.tax_class,
        name=rate.name,
        ppm=rate.ppm,
        combination=_COMBINATION + rate.combine,
        reason=rate.reason,
        valid_from=timestamp_to_proto(rate.valid_from) if rate.valid_from else None,
        valid_until=timestamp_to_proto(rate.valid_until) if rate.valid_until else None,
    )
