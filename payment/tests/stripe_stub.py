"""A client of the Stripe mock, which runs in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.stripe_mock.provider import Provider
from dev.stripe_mock.server import Api, serve
from dev.stripe_mock.state import State
from dev.stripe_mock.webhooks import Deliverer
from kit.testing import free_port
from payment.provider.circuit import Circuit
from payment.provider.stripe_api import is_down
from payment.provider.stripe_client import Stripe
from payment.tests.fakes import SEALER

SECRET = "whsec_test"


@dataclass(frozen=True)
class StripeMock:
    """The Stripe mock, over HTTP and by its own methods."""

    url: str
    api: Api
    provider: Provider


def adapter(url: str, *, failures: int = 100) -> Stripe:
    """Our client of a provider at a URL."""
    circuit = Circuit(failures=failures, open_seconds=0.05, is_failure=is_down)
    return Stripe(
        api_key="sk_test_x",
        base_url=url,
        shop_url="https://shop.test",
        circuit=circuit,
        sealer=SEALER,
    )


@contextmanager
def stripe_mock(folder: Path, webhook: str = "") -> Iterator[StripeMock]:
    """Serves until the block ends; delivers webhooks to `webhook`, if given."""
    state, port = State(folder), free_port()
    provider = Provider(state, base=f"http://127.0.0.1:{port}", processing_seconds=0.1)
    api = Api(state, provider)
    server = serve(api, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    deliverer = Deliverer(api, state, provider, urls=[webhook] if webhook else [], secret=SECRET)
    deliverer.start()
    try:
        yield StripeMock(f"http://127.0.0.1:{port}", api, provider)
    finally:
        deliverer.stop()
        deliverer.join()
        server.shutdown()
        thread.join()
        server.server_close()
