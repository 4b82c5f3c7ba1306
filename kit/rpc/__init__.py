"""gRPC between services, driven by descriptors. A servicer is a class with a method per RPC; a client is a `Channel` with `call`, or a
`Peer` with a method per RPC that it calls.

One wrapper per method replaces interceptors, in a fixed order: telemetry, deadline, errors, authentication, log. Calls between our
services share streams (ADR 0015).
"""

from kit.rpc.call import Call, current_call
from kit.rpc.channel import Channel
from kit.rpc.composed_servicer import ComposedServicer
from kit.rpc.encoded import Encoded
from kit.rpc.handler import Verifier
from kit.rpc.peer import Peer
from kit.rpc.server import Server, Servicer

__all__ = [
    "Call",
    "Channel",
    "ComposedServicer",
    "Encoded",
    "Peer",
    "Server",
    "Servicer",
    "Verifier",
    "current_call",
]
