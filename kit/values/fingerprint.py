"""Fingerprints of requests, to detect an idempotency key that is reused with different input. Services store them."""

import hashlib

import orjson


def request_fingerprint(*parts: object) -> bytes:
    """16 bytes that identify the parts, any values that orjson encodes; equal parts always give the same bytes."""
    return hashlib.blake2b(orjson.dumps(parts), digest_size=16).digest()
