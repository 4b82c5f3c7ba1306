"""The HTTP edge of a service: health, metrics, problem+json, correlation; on Litestar.

A service adds route handlers of its own. Not here: what they mean, and GraphQL's own way of answering errors.
"""

from kit.web.app import build_app
from kit.web.health import Readiness, Resource
from kit.web.problems import problem

__all__ = ["Readiness", "Resource", "build_app", "problem"]
