"""Money: integer minor units with an ISO 4217 code, never a float."""

from dataclasses import dataclass
from decimal import MAX_PREC, Context, Decimal, InvalidOperation

from google.type.money_pb2 import Money as MoneyMessage

from kit.errors import InvalidArgument, Violation

_NANOS = 1_000_000_000
# The default context rounds to 28 digits, and would accept an amount with more decimals than its currency has.
_EXACT = Context(prec=MAX_PREC)


@dataclass(frozen=True, slots=True)
class Currency:
    """A supported currency.

    Attributes:
        exponent: decimals by ISO 4217.
        provider_exponent: decimals of the payment provider's minor unit.
        minimum: smallest charge of the provider, in minor units (Stripe's published limits).
        maximum: largest charge of the provider, in minor units.
        step: the provider only charges multiples of this many minor units.
    """

    code: str
    exponent: int
    provider_exponent: int
    minimum: int
    maximum: int
    step: int = 1


# Stripe's rules (docs.stripe.com/currencies): ISK and UGX have no decimals, but Stripe expects two, always 00; the last digit of
# three-decimal currencies (BHD, JOD, KWD, OMR, TND) must be 0. HUF and TWD must be whole in payouts, not in charges.
CURRENCIES = {
    currency.code: currency
    for currency in (
        Currency("USD", 2, 2, 50, 99_999_999),
        Currency("EUR", 2, 2, 50, 99_999_999),
        Currency("GBP", 2, 2, 30, 99_999_999),
        Currency("CHF", 2, 2, 50, 99_999_999),
        Currency("CAD", 2, 2, 50, 99_999_999),
        Currency("AUD", 2, 2, 50, 99_999_999),
        Currency("SEK", 2, 2, 300, 99_999_999),
        Currency("JPY", 0, 0, 50, 99_999_999),
        Currency("ISK", 0, 2, 70, 999_999),
        Currency("KWD", 3, 3, 200, 99_999_990, step=10),
    )
}


class MixedCurrency(InvalidArgument):
    """Amounts of different currencies were combined."""

    reason = "MIXED_CURRENCY"
    default_message = "all amounts must have the same currency"


def _invalid(path: tuple[str | int, ...], rule: str) -> InvalidArgument:
    return InvalidArgument(f"{'.'.join(map(str, path))}: {rule}", fields=[Violation(path, rule)])


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount; `minor` is in the currency's smallest unit (cents, or yen)."""

    minor: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Zero in a currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, amount: Decimal | str, currency: str, *path: str | int) -> "Money":
        """Parses a decimal; raises InvalidArgument with `path` for a malformed number, too many decimals or an unsupported currency."""
        supported = CURRENCIES.get(currency)
        if supported is None:
            raise _invalid(path, f"currency must be one of {', '.join(sorted(CURRENCIES))}")
        try:
            value = Decimal(amount)
        except InvalidOperation:
            raise _invalid(path, "must be a decimal number") from None
        if not value.is_finite() or abs(value) >= 10**15:
            raise _invalid(path, "must be a decimal number below 10^15")
        scaled = value.scaleb(supported.exponent, _EXACT)
        if scaled != scaled.to_integral_value():
            raise _invalid(path, f"must have at most {supported.exponent} decimals in {currency}")
        return cls(int(scaled), currency)

    def __add__(self, other: "Money") -> "Money":
        self._require_same_currency(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._require_same_currency(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, count: int) -> "Money":
        return Money(self.minor * count, self.currency)

    def decimal(self) -> Decimal:
        """The amount with the currency's number of decimals."""
        return Decimal(self.minor).scaleb(-CURRENCIES[self.currency].exponent)

    def text(self) -> str:
        """The amount as clients see it: "5.00" USD, "500" JPY."""
        exponent = CURRENCIES[self.currency].exponent
        if not exponent:
            return str(self.minor)
        sign = "-" if self.minor < 0 else ""
        whole, part = divmod(abs(self.minor), 10**exponent)
        return f"{sign}{whole}.{part:0{exponent}d}"

    def step_violation(self) -> str:
        """The rule that the amount breaks when it is not a multiple of the currency's `step`; empty when it is one."""
        step = CURRENCIES[self.currency].step
        if self.minor % step == 0:
            return ""
        return f"must be a multiple of {Money(step, self.currency).text()} {self.currency}"

    def _require_same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise MixedCurrency()


def money_to_proto(money: Money) -> MoneyMessage:
    """The amount as google.type.Money."""
    scale = 10 ** CURRENCIES[money.currency].exponent
    if money.minor < 0:
        # google.type.Money requires the same sign for units and nanos.
        units, rest = divmod(-money.minor, scale)
        units, rest = -units, -rest
    else:
        units, rest = divmod(money.minor, scale)
    return MoneyMessage(currency_code=money.currency, units=units, nanos=rest * (_NANOS // scale))


def money_from_proto(message: MoneyMessage, *path: str | int) -> Money:
    """Parses google.type.Money; raises InvalidArgument like `Money.parse`."""
    exact = Decimal(message.units) + Decimal(message.nanos).scaleb(-9)
    return Money.parse(exact, message.currency_code, *path)
