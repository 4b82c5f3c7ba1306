"""The gRPC channel to a peer, by TLS where there is an identity; replaced when the certificate is, without an end to what runs."""

import asyncio
from typing import Any

import grpc

from kit.identity import Identity, Material
from kit.rpc.stream import Stream

# How long an attempt to connect may take, handshake included: on a busy machine that is more than without TLS.
_SECURE = {"grpc.min_reconnect_backoff_ms": 5_000}


class _Line:
    """One gRPC channel, and how many streams are open on it."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.open = 0


class Connection:
    """Opens streams to gRPC's `target`; `name` is what the peer's certificate must be for, whatever its host is called."""

    def __init__(
        self, target: str, name: str, options: tuple[tuple[str, Any], ...], identity: Identity | None
    ) -> None:
        self._target = target
        self._name = name
        self._options = options
        self._certificates = identity.certificates if identity is not None and identity.calls else None
        self._material: Material | None = None
        self._line: _Line | None = None
        self._lines: set[_Line] = set()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def channel(self) -> Any:
        """The channel for whatever begins now."""
        return self._current().channel

    def stream(self) -> Stream:
        """A new stream."""
        line = self._current()
        line.open += 1
        return Stream(line.channel, lambda: self._ended(line))

    def carries(self, stream: Stream) -> bool:
        """Whether the stream was opened with the certificate that is in use now."""
        return stream.channel is self._current().channel

    async def close(self) -> None:
        """Ends everything."""
        lines, self._line, self._lines = self._lines, None, set()
        for line in lines:
            await line.channel.close()

    def _current(self) -> _Line:
        if self._certificates is None:
            if self._line is None:
                self._use(grpc.aio.insecure_channel(self._target, options=self._options))
        elif (material := self._certificates.current()) is not self._material:
            self._material = material
            credentials = grpc.ssl_channel_credentials(material.authorities, material.key, material.chain)
            options = {**dict(self._options), **_SECURE, "grpc.default_authority": self._name}.items()
            self._use(grpc.aio.secure_channel(self._target, credentials, options=tuple(options)))
        assert self._line is not None
        return self._line

    def _use(self, channel: Any) -> None:
        before, self._line = self._line, _Line(channel)
        self._lines.add(self._line)
        if before is not None and before.open == 0:
            self._close(before)

    def _ended(self, line: _Line) -> None:
        line.open -= 1
        if line.open == 0 and line is not self._line and line in self._lines:
            self._close(line)

    def _close(self, line: _Line) -> None:
        self._lines.discard(line)
        closing = asyncio.get_running_loop().create_task(line.channel.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
