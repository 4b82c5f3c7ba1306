"""Checks and decodes a request's body: JSON in UTF-8, plain or compressed; the size limit holds before and after decompression."""

import asyncio
import zlib
from collections.abc import Mapping
from typing import Final

from kit.graphql.content_negotiation import JSON
from kit.graphql.messages import Request, RequestRejected, reject

# A longer body is read up to here, so that the client reads our response instead of a broken connection.
_MAX_DRAIN_BYTES: Final = 8 * 1024 * 1024
# Each further member of a gzip file copies the rest of the body.
_MAX_MEMBERS: Final = 100
_GZIP_START: Final = b"\x1f\x8b"
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_ENCODINGS: Final = {"": False, "identity": False, "gzip": True, "x-gzip": True, "deflate": True}
_ACCEPT_ENCODING: Final = {"Accept-Encoding": "gzip, deflate"}
_CHARSETS: Final = ("", "utf-8", "utf8", "us-ascii")
_OTHER_BYTE_ORDER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def check_content_type(headers: Mapping[str, str]) -> None:
    """Requires JSON in UTF-8: neither a link nor a form of another site can send that. Raises RequestRejected."""
    header = headers.get("content-type", "")
    # What nearly all clients send.
    if header != JSON:
        _check_parameters(header)
    if _content_encoding(headers) not in _ENCODINGS:
        message = "Content-Encoding must be gzip, deflate or identity"
        raise reject(415, message, "CONTENT_ENCODING_NOT_ALLOWED", _ACCEPT_ENCODING)


def _check_parameters(header: str) -> None:
    content_type, *parameters = (part.strip() for part in header.lower().split(";"))
    if content_type != JSON:
        raise reject(415, f"Content-Type must be {JSON}", "CONTENT_TYPE_NOT_ALLOWED", {"Accept": JSON})
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and (charset := value.strip('"')) not in _CHARSETS:
            raise _bad_charset(charset[:40])


async def read_body(request: Request, max_bytes: int, seconds: float) -> bytes:
    """The body of a request that passed `check_content_type`, decompressed; raises RequestRejected."""
    try:
        async with asyncio.timeout(seconds):
            content = await _read_limited(request, max_bytes)
    except TimeoutError:
        message = "timed out while reading the request body"
        raise reject(408, message, "BODY_TOO_SLOW", {"Connection": "close"}) from None
    if _ENCODINGS[_content_encoding(request.headers)]:
        content = _decompress(content, max_bytes)
    # JSON starts with two ASCII characters, which contain a NUL in any wider encoding.
    if content.startswith(_OTHER_BYTE_ORDER_MARKS) or b"\0" in content[:4]:
        raise _bad_charset("UTF-16 or UTF-32")
    return content


async def _read_limited(request: Request, max_bytes: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.chunks():
        size += len(chunk)
        if size <= max_bytes:
            chunks.append(chunk)
        elif size > _MAX_DRAIN_BYTES:
            break
    if size > max_bytes:
        raise _too_large(max_bytes)
    return b"".join(chunks)


def _decompress(content: bytes, max_bytes: int) -> bytes:
    """A zlib stream, or the members of a gzip file (RFC 1952, 2.2), which are one text together."""
    plain, rest = _decompress_member(content, max_bytes)
    members = 1
    while rest:
        if not (content.startswith(_GZIP_START) and rest.startswith(_GZIP_START)) or members == _MAX_MEMBERS:
            raise reject(400, "the compressed body is followed by other data", "BODY_NOT_COMPRESSED")
        more, rest = _decompress_member(rest, max_bytes, len(plain))
        plain, members = plain + more, members + 1
    return plain


def _decompress_member(content: bytes, max_bytes: int, size: int = 0) -> tuple[bytes, bytes]:
    """The text, and the bytes after it; `size` is the length of the text before it. Raises RequestRejected."""
    decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        # Bounds the output, whatever the input would expand to.
        plain = decompressor.decompress(content, max_bytes - size + 1)
    except zlib.error as error:
        message = f"the body does not match its Content-Encoding: {error}"
        raise reject(400, message, "BODY_NOT_COMPRESSED") from error
    if size + len(plain) > max_bytes:
        raise _too_large(max_bytes)
    if not decompressor.eof:
        raise reject(400, "the compressed body is truncated", "BODY_NOT_COMPRESSED")
    return plain, decompressor.unused_data


def _content_encoding(headers: Mapping[str, str]) -> str:
    return headers.get("content-encoding", "").strip().lower()


def _too_large(max_bytes: int) -> RequestRejected:
    message = f"the request body exceeds {max_bytes:,} bytes"
    return reject(413, message, "BODY_TOO_LARGE", {"Connection": "close"})


def _bad_charset(charset: str) -> RequestRejected:
    return reject(415, f"the body must be UTF-8, not {charset}", "CHARSET_NOT_ALLOWED", {"Accept": JSON})
