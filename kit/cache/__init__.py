"""Redis as a cache: it only saves time and never decides anything.

Not here: rate limits, locks, sessions. Everything in the cache can be read from its owner, and is while Redis is unavailable.
"""

from kit.cache.cache import Cache
from kit.cache.pipelined_redis import PipelinedRedis

__all__ = ["Cache", "PipelinedRedis"]
