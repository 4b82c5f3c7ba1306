"""The HTTP edge of a service, on Litestar: health, metrics, problem+json, correlation ids.

A service adds its own route handlers. Not here: GraphQL, which reports errors in its own format.
"""

from kit.web.app import build_app
from kit.web.health import Readiness, Resource
from kit.web.problems import problem

__all__ = ["Readiness", "Resource", "build_app", "problem"]
