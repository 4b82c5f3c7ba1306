"""Calls of Stripe through its official SDK, behind the circuit breaker: its errors -> ours."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import stripe

from kit.telemetry import get_logger, span
from payment.metrics import PROVIDER_REJECTIONS
from payment.provider.circuit import Circuit
from payment.provider.errors import ProviderFailed, ProviderUnavailable
from payment.provider.stripe_http import StripeHttp

log = get_logger(__name__)

T = TypeVar("T")

_TIMEOUT_SECONDS = 8.0
# Invalid requests caused by our account or settings; they say nothing about the charge.
_CONFIGURATION_ERRORS: Final = frozenset(
    {
        "account_invalid",
        "api_key_expired",
        "livemode_mismatch",
        "platform_api_key_expired",
        "secret_key_required",
        "testmode_charges_only",
        "tls_version_unsupported",
        "url_invalid",
    }
)


class StripeApi:
    """A resource; connections are opened on demand."""

    name = "stripe"

    def __init__(self, *, api_key: str, base_url: str, circuit: Circuit) -> None:
        self._http = StripeHttp(base_url, timeout_seconds=_TIMEOUT_SECONDS)
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url.rstrip("/")},
            http_client=self._http,
            # We retry ourselves, because the intent's state must be read after a failure.
            max_network_retries=0,
        )
        self._circuit = circuit

    async def open(self) -> None:
        """Does nothing: connections are opened on demand."""

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.close_async()

    async def ping(self) -> None:
        """Does nothing: the service stays ready while Stripe is down."""

    def available_permits(self, limit: int) -> int:
        """How many of `limit` calls the circuit permits."""
        return self._circuit.permits(limit)

    @property
    def v1(self) -> Any:
        """The SDK's services."""
        return self._client.v1

    async def call(
        self, operation: str, call: Callable[[], Awaitable[T]], *, missing_is_rejected: bool = True
    ) -> T:
        """Raises ProviderUnavailable and ProviderFailed. CardError and InvalidRequestError, which concern the charge, pass through.

        `missing_is_rejected`: an id that Stripe does not know is of another account, and not one that was deleted.
        """
        try:
            with self._circuit.guard(), span(f"stripe {operation}"):
                return await call()
        except stripe.CardError:
            raise
        except stripe.InvalidRequestError as error:
            is_missing = error.http_status == 404 and missing_is_rejected
            if is_missing or error.code in _CONFIGURATION_ERRORS:
                raise self.rejected(operation, error) from error
            raise
        except stripe.IdempotencyError as error:
            # An earlier release or setting used the key with other parameters: the resulting state must be read first.
            raise ProviderFailed() from error
        except stripe.StripeError as error:
            status = error.http_status or 0
            if status >= 500:
                raise ProviderFailed() from error
            if status not in (0, 409, 429):
                raise self.rejected(operation, error) from error
            raise ProviderUnavailable() from error

    async def forget(self, operation: str, call: Callable[[], Awaitable[object]]) -> None:
        """For deletions: what is not there any more is deleted."""
        try:
            await self.call(operation, call, missing_is_rejected=False)
        except stripe.InvalidRequestError as error:
            log.info("provider.gone", operation=operation, code=error.code)

    async def read(self, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        """For reads, which Stripe has no valid reason to reject."""
        try:
            return await self.call(operation, call)
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            raise self.rejected(operation, error) from error

    def rejected(self, operation: str, error: stripe.StripeError) -> ProviderUnavailable:
        """A wrong key, a missing permission, ids of another account: the call is retried, and an alert asks an operator to fix it."""
        log.error("provider.rejected", operation=operation, status=error.http_status, code=error.code)
        PROVIDER_REJECTIONS.labels(operation).inc()
        return ProviderUnavailable()


def is_down(error: Exception) -> bool:
    """Whether an error shows that Stripe is down or failing; a rejection or a rate limit does not."""
    status = getattr(error, "http_status", None) or 0
    return isinstance(error, stripe.StripeError) and (status == 0 or status >= 500)
