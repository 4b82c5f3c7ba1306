"""The bytes of a body as its Content-Type and Content-Encoding say: UTF-8, plain or compressed, within a size either way."""

import zlib
from collections.abc import Mapping
from typing import Final

from gateway.accepting import JSON
from gateway.errors import BAD_REQUEST, of_request
from gateway.requests import Refused

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_ENCODINGS: Final = {"": False, "identity": False, "gzip": True, "x-gzip": True, "deflate": True}
_ACCEPTED: Final = {"Accept-Encoding": "gzip, deflate"}
_CHARSETS: Final = ("", "utf-8", "utf8", "us-ascii")
_OTHERS_MARKS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def check_type(headers: Mapping[str, str]) -> None:
    """JSON in UTF-8 only: neither a link nor a form of another site can send that unasked. Raises Refused."""
    content_type, *parameters = (part.strip() for part in headers.get("content-type", "").lower().split(";"))
    if content_type != JSON:
        message = f"Content-Type must be {JSON}"
        raise Refused(415, of_request(message, BAD_REQUEST, "CONTENT_TYPE_NOT_ALLOWED"), {"Accept": JSON})
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "charset" and (charset := value.strip('"')) not in _CHARSETS:
            raise _charset(f"not {charset[:40]}")
    if headers.get("content-encoding", "").strip().lower() not in _ENCODINGS:
        message = "Content-Encoding must be gzip, deflate or identity"
        raise Refused(415, of_request(message, BAD_REQUEST, "CONTENT_ENCODING_NOT_ALLOWED"), _ACCEPTED)


def decoded(content: bytes, headers: Mapping[str, str], most: int) -> bytes:
    """A body that `check_type` has passed, decompressed; raises Refused."""
    if _ENCODINGS[headers.get("content-encoding", "").strip().lower()]:
        content = _inflated(content, most)
    # JSON begins with two characters of ASCII, which have a NUL in any wider encoding.
    if content.startswith(_OTHERS_MARKS) or b"\0" in content[:4]:
        raise _charset("not UTF-16 or UTF-32")
    return content


def too_large(most: int) -> Refused:
    """Of a body beyond the limit."""
    message = f"a request may have {most:,} bytes at most"
    headers = {"Connection": "close"}
    return Refused(413, of_request(message, BAD_REQUEST, "BODY_TOO_LARGE"), headers)


def _inflated(content: bytes, most: int) -> bytes:
    inflating = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        # No more than that is ever made, whatever it would become.
        whole = inflating.decompress(content, most + 1)
    except zlib.error as error:
        message = f"the body is not what Content-Encoding says: {error}"
        raise Refused(400, of_request(message, BAD_REQUEST, "BODY_NOT_COMPRESSED")) from error
    if len(whole) > most:
        raise too_large(most)
    if not inflating.eof or inflating.unused_data:
        message = "the compressed body " + ("ended early" if not inflating.eof else "has more behind its end")
        raise Refused(400, of_request(message, BAD_REQUEST, "BODY_NOT_COMPRESSED"))
    return whole


def _charset(found: str) -> Refused:
    message = f"the body must be UTF-8, {found}"
    return Refused(415, of_request(message, BAD_REQUEST, "CHARSET_NOT_ALLOWED"), {"Accept": JSON})
