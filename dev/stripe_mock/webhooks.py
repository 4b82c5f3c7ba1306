"""Posts events to a URL, signed as Stripe signs them (t=...,v1=HMAC-SHA256 of `t.body`), and retries until it returns 2xx."""

import hashlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Sequence, Set
from urllib.parse import urlsplit

from dev.stripe_mock.provider import Provider
from dev.stripe_mock.server import Api
from dev.stripe_mock.state import State

_POLL_SECONDS = 0.1
_FIRST_RETRY_SECONDS = 1.0
_TIMEOUT_SECONDS = 5
_BATCH = 20
_GIVE_UP_AFTER = 20
# The event types that our endpoint is registered for at Stripe.
EVENTS = frozenset(
    {
        "payment_intent.canceled",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
        "refund.failed",
        "refund.updated",
        "setup_intent.succeeded",
    }
)


def signature(body: str, secret: str, at: int) -> str:
    """The Stripe-Signature header."""
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Deliverer(threading.Thread):
    """Delivers webhooks in the background, and settles intents and refunds that are due."""

    def __init__(
        self,
        api: Api,
        state: State,
        provider: Provider,
        *,
        urls: Sequence[str],
        secret: str,
        events: Set[str] = EVENTS,
    ) -> None:
        super().__init__(daemon=True, name="webhooks")
        self._api = api
        self._state = state
        self._provider = provider
        self._urls = urls
        self._events = events
        self._secret = secret
        self._stopped = threading.Event()

    def run(self) -> None:
        """Runs until `stop`."""
        while not self._stopped.wait(_POLL_SECONDS):
            with self._api.lock, self._state.change():
                for object_id in self._state.take_due():
                    self._provider.settle(object_id)
                due = self._state.due_deliveries(_BATCH)
            for delivery_id, body, attempts in due:
                is_registered = self._urls and json.loads(body)["type"] in self._events
                arrived = not is_registered or self._deliver(body, attempts)
                with self._api.lock, self._state.change():
                    if arrived or attempts >= _GIVE_UP_AFTER:
                        self._state.delivered(delivery_id)
                    else:
                        # Later webhooks are delivered first.
                        self._state.postpone(delivery_id, min(60.0, _FIRST_RETRY_SECONDS * 2**attempts))

    def stop(self) -> None:
        """Stops after the current delivery."""
        self._stopped.set()

    def _deliver(self, body: str, attempts: int) -> bool:
        """Whether the webhook is finished: it arrived or is lost on purpose."""
        with self._api.lock:
            fault = self._api.webhooks.take()
        if fault == "reordered":
            return False
        if fault == "duplicated":
            self._post(body, attempts + 1)
        return fault == "lost" or self._post(body, attempts)

    def _post(self, body: str, attempts: int) -> bool:
        parts = urlsplit(self._urls[attempts % len(self._urls)])
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port or 80, timeout=_TIMEOUT_SECONDS
        )
        header = signature(body, self._secret, int(time.time()))
        try:
            connection.request(
                "POST",
                parts.path,
                body.encode(),
                {"Content-Type": "application/json", "Stripe-Signature": header},
            )
            return 200 <= connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
