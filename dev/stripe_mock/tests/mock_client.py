"""A running Stripe mock, and a client of it that is no browser."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from dev.stripe_mock.provider import Provider
from dev.stripe_mock.server import Api, serve
from dev.stripe_mock.state import State
from kit.testing import free_port

PUBLISHABLE, SECRET = "pk_test_souk", "sk_test_souk"
GOOD, DECLINED, BANK_ASKS = "4242424242424242", "4000000000000002", "4000002760003184"


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Mock:
    """A client of the mock."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(
        self,
        method: str,
        path: str,
        form: dict[str, str] | None = None,
        *,
        key: str = "",
        accept: str = "*/*",
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Accept": accept, **({"Authorization": f"Bearer {key}"} if key else {})}
        connection.request(method, path, urlencode(form or {}), headers)
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read().decode())
        connection.close()
        return answer

    def intent(self, kind: str = "payment_intents", **more: str) -> dict[str, Any]:
        amount = {"amount": "1000", "currency": "usd"} if kind == "payment_intents" else {}
        made: dict[str, Any] = self.call("POST", f"/v1/{kind}", {**amount, **more}, key=SECRET).body
        return made

    def status(self, intent: dict[str, Any]) -> str:
        return str(self.call("GET", f"/v1/{intent['object']}s/{intent['id']}", key=SECRET).body["status"])

    def confirm(self, intent: dict[str, Any], number: str, **more: str) -> Answer:
        form = {
            "key": PUBLISHABLE,
            "client_secret": intent["client_secret"],
            "payment_method_data[type]": "card",
            "payment_method_data[card][number]": number,
            **more,
        }
        return self.call("POST", f"/v1/{intent['object']}s/{intent['id']}/confirm", form)

    def open(self, path: str) -> Answer:
        """As a browser does."""
        return self.call("GET", path, accept="text/html,application/xhtml+xml")

    def form_url(self, intent: dict[str, Any], **more: str) -> str:
        """The page with the card form."""
        query = urlencode({"client_secret": intent["client_secret"], "key": PUBLISHABLE, **more})
        return f"{self.url}/pay/{intent['id']}?{query}"


@pytest.fixture
def mock(tmp_path: Path) -> Iterator[Mock]:
    state, port = State(tmp_path), free_port()
    server = serve(Api(state, Provider(state, base=f"http://127.0.0.1:{port}")), port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Mock(port)
    server.shutdown()
    thread.join()
    server.server_close()
