"""A servicer made of parts, one for each aggregate of a service."""

import re

from google.protobuf.descriptor import ServiceDescriptor


def snake_case(name: str) -> str:
    """PlaceOrder -> place_order"""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class ComposedServicer:
    """Base of a servicer that takes each RPC from the part with a method of its name; `kit.rpc.Server` rejects one that lacks an RPC."""

    service: ServiceDescriptor

    def __init__(self, *parts: object) -> None:
        """Raises TypeError when several parts have the same RPC."""
        for rpc in self.service.methods:
            name = snake_case(rpc.name)
            methods = [getattr(part, name) for part in parts if hasattr(part, name)]
            if len(methods) > 1:
                raise TypeError(f"{type(self).__name__}: several parts have {name}")
            for method in methods:
                setattr(self, name, method)
