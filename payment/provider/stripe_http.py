"""The HTTP client of Stripe's SDK, on aiohttp, which needs half the CPU time of the SDK's default, httpx.

The SDK's own aiohttp client follows redirects, which turns a POST into a GET, and raises aiohttp's errors when a response breaks off.
"""

import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import stripe

_MAX_CONNECTIONS: Final = 100


class StripeHttp(stripe.HTTPClient):
    """Connections are opened on demand and kept; `timeout_seconds` limits each call, including its connection."""

    name = "aiohttp"

    def __init__(self, base_url: str, *, timeout_seconds: float) -> None:
        super().__init__()
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._proxy_url = _proxy(base_url)
        self._tls = ssl.create_default_context(cafile=stripe.ca_bundle_path)
        self._session: aiohttp.ClientSession | None = None

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """The body, status and headers of the response. Raises APIConnectionError without a complete response."""
        if self._session is None:
            # Here, because a session belongs to the event loop in which it is created.
            self._session = self._new_session()
        request = self._session.request(
            method, url, headers=headers, data=post_data, proxy=self._proxy_url, allow_redirects=False
        )
        try:
            async with request as response:
                return await response.read(), response.status, response.headers
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            message = f"no response from Stripe: {error!r}"
            raise stripe.APIConnectionError(message) from error  # type: ignore[no-untyped-call]

    async def close_async(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _new_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_MAX_CONNECTIONS, ssl=self._tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
        )


def _proxy(base_url: str) -> str | None:
    """From HTTPS_PROXY, HTTP_PROXY and NO_PROXY; read once, because aiohttp would read them in a thread for every request."""
    url = urlsplit(base_url)
    return None if proxy_bypass(url.netloc) else getproxies().get(url.scheme)
