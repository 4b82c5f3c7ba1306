"""The gRPC channel to a peer, with TLS if there is an identity; replaced when the certificate changes, without ending running calls.

It is also replaced while the peer cannot be reached.
"""

import asyncio
import time
from typing import Any

import grpc

from kit.identity import CertificateMaterial, Identity
from kit.rpc.stream import Stream

# Minimum time for a connection attempt: a TLS handshake on a busy machine takes long.
_SECURE = {"grpc.min_reconnect_backoff_ms": 5_000}
# How often a channel without a connection is replaced.
_REPLACE_SECONDS = 0.5


class _CountedChannel:
    """A gRPC channel and the number of its open streams."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.open = 0
        self.created = time.monotonic()


class Connection:
    """Opens streams to a gRPC target; the peer's certificate must be for `name`, regardless of its host name."""

    def __init__(
        self, target: str, name: str, options: tuple[tuple[str, Any], ...], identity: Identity | None
    ) -> None:
        self._target = target
        self._name = name
        self._options = options
        self._certificates = (
            identity.certificates if identity is not None and identity.calls_use_tls else None
        )
        self._material: CertificateMaterial | None = None
        self._active: _CountedChannel | None = None
        self._channels: set[_CountedChannel] = set()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def channel(self) -> Any:
        """The channel for new streams and calls."""
        return self._current().channel

    def stream(self) -> Stream:
        """Opens a new stream."""
        counted = self._current()
        counted.open += 1
        return Stream(counted.channel, lambda: self._on_stream_end(counted))

    def carries(self, stream: Stream) -> bool:
        """Whether the stream uses the current certificate."""
        return stream.channel is self._current().channel

    def unreachable(self) -> None:
        """Reports that a call found no connection; looks up the peer's addresses again, at most every half second.

        A new channel does that at once. gRPC itself pauses after a lookup: for 5 s, and after failed ones for up to two minutes.
        """
        if self._active is not None and time.monotonic() - self._active.created > _REPLACE_SECONDS:
            self._use(self._new())

    async def close(self) -> None:
        """Closes all channels."""
        channels, self._active, self._channels = self._channels, None, set()
        for counted in channels:
            await counted.channel.close()

    def _current(self) -> _CountedChannel:
        material = None if self._certificates is None else self._certificates.current()
        if self._active is None or material is not self._material:
            self._material = material
            self._use(self._new())
        assert self._active is not None
        return self._active

    def _new(self) -> Any:
        material = self._material
        if material is None:
            return grpc.aio.insecure_channel(self._target, options=self._options)
        credentials = grpc.ssl_channel_credentials(material.authorities, material.key, material.chain)
        options = {**dict(self._options), **_SECURE, "grpc.default_authority": self._name}.items()
        return grpc.aio.secure_channel(self._target, credentials, options=tuple(options))

    def _use(self, channel: Any) -> None:
        previous, self._active = self._active, _CountedChannel(channel)
        self._channels.add(self._active)
        if previous is not None and previous.open == 0:
            self._close(previous)

    def _on_stream_end(self, counted: _CountedChannel) -> None:
        counted.open -= 1
        if counted.open == 0 and counted is not self._active and counted in self._channels:
            self._close(counted)

    def _close(self, counted: _CountedChannel) -> None:
        self._channels.discard(counted)
        closing = asyncio.get_running_loop().create_task(counted.channel.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
