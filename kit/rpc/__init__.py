"""gRPC between services, driven by descriptors: a servicer is a class with a method per RPC, a client is a
`Channel` with `call`, or a `Peer` with a method per RPC that it calls.

One flat wrapper per method does what interceptors would, in a fixed order: telemetry, deadline, errors,
authentication, log. Calls between our services share streams (ADR 0015). Not here: what an RPC means.
"""

from kit.rpc.call import Call, current_call
from kit.rpc.channel import Channel
from kit.rpc.handler import Verifier
from kit.rpc.peer import Peer
from kit.rpc.server import Server, Servicer

__all__ = ["Call", "Channel", "Peer", "Server", "Servicer", "Verifier", "current_call"]
