"""Many TLS handshakes at once."""

import asyncio
import multiprocessing
import socket
import ssl
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from kit.identity import certificates as certificate_files
from kit.rpc import Server
from kit.rpc.tests.town import CALLERS, OrderRpc, Town, identity, town
from kit.testing.certificates import Mount

__all__ = ["town"]

_THREADS = 8
# The crash of gRPC that kit.rpc.server prevents came after at most 1,300 handshakes.
_HANDSHAKES_PER_THREAD = 500


class OrderService:
    """An order service in a process of its own, which a crash of gRPC would end."""

    def __init__(self, town: Town) -> None:
        self.mount = town.mount("order")
        context = multiprocessing.get_context("spawn")
        self._ready, ready = context.Pipe(duplex=False)
        self.process = context.Process(target=_serve, args=(self.mount.folder, ready))
        self.process.start()
        self.port: int = self._ready.recv()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()


def _serve(folder: Path, ready: Connection) -> None:
    async def serve() -> None:
        files = identity(Mount(folder), "order")
        server = Server([OrderRpc()], host="127.0.0.1", port=0, identity=files, callers=CALLERS)
        await server.start()
        ready.send(server.port)
        await asyncio.Event().wait()

    certificate_files._CHECK_SECONDS = 0.02
    asyncio.run(serve())


@pytest.fixture
def service(town: Town) -> Iterator[OrderService]:
    service = OrderService(town)
    yield service
    service.stop()


@pytest.fixture
def client_tls(town: Town) -> ssl.SSLContext:
    mount = town.mount("gateway")
    context = ssl.create_default_context(cafile=str(mount.authorities))
    context.load_cert_chain(mount.chain, mount.key)
    context.set_alpn_protocols(["h2"])
    return context


def shake_hands(service: OrderService, client_tls: ssl.SSLContext, failures: list[OSError]) -> None:
    try:
        for _ in range(_HANDSHAKES_PER_THREAD):
            with (
                socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection,
                client_tls.wrap_socket(connection, server_hostname="order") as secured,
            ):
                secured.recv(1)
    except OSError as failure:
        failures.append(failure)


@pytest.mark.parametrize("replaced", [False, True], ids=["one certificate", "replaced certificates"])
def test_handshakes_at_once_do_not_end_the_process(
    town: Town, service: OrderService, client_tls: ssl.SSLContext, replaced: bool
) -> None:
    failures: list[OSError] = []
    threads = [
        threading.Thread(target=shake_hands, args=(service, client_tls, failures)) for _ in range(_THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            if replaced:
                town.authority.issue(service.mount, "order")
            thread.join(0.5)
    assert service.process.is_alive(), f"ended by signal {service.process.exitcode}"
    assert not failures
