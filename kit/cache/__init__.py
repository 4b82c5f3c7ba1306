"""Redis as a cache: it may only shorten the way, never decide anything.

Not here: rate limits, locks, sessions. Whatever is read here can be had from its owner, and is when Redis is away.
"""

from kit.cache.cache import Cache

__all__ = ["Cache"]
