"""TypeIDs: a prefix that names the type, and a UUID in base32 (https://github.com/jetify-com/typeid).

Inside Souk an id is a `uuid.UUID`; only the edges format and parse TypeIDs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID, uuid5

from typeid import TypeID
from uuid_utils import uuid7

from kit.errors import InvalidArgument, Violation

# Namespace of derived ids. Changing it would derive new ids from old keys.
_NAMESPACE = UUID("6f0c5f5e-5a0b-5c6e-9f5e-3a9d1c1b7a10")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# Ten bits at once.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
# To the digits that int(text, 32) reads, and everything else to a character that it rejects.
_DIGITS = dict.fromkeys(range(128), "!") | dict(
    zip(map(ord, _ALPHABET), "0123456789abcdefghijklmnopqrstuv", strict=True)
)
_SUFFIX_LENGTH = 26
_LOW_60 = (1 << 60) - 1
_MAX_BATCH = 100
Id = TypeVar("Id", covariant=True)


class IdParser(Protocol[Id]):
    """A kind of id, or `SoldId`."""

    def parse(self, text: str, /, *path: str | int) -> Id:
        """Raises InvalidArgument with `path`."""
        ...


class IdKind:
    """The ids of one type."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.start = prefix + "_"
        # Checks the prefix. typeid-python's own base32 takes ten times as long as ours.
        TypeID(prefix=prefix)

    def new(self) -> UUID:
        """A new id (UUID version 7, so ids sort by creation time)."""
        return UUID(int=uuid7().int)

    def derive(self, *parts: str) -> UUID:
        """The id derived from a key: the same parts always give the same id (UUID version 5)."""
        return uuid5(_NAMESPACE, "\0".join((self.prefix, *parts)))

    def format(self, value: UUID) -> str:
        """The id as clients see it, e.g. ord_01h455vb4pex5vsknk084sn02q."""
        pairs, number = _PAIRS, value.int
        # Small integers are faster than one of 128 bits: 70 bits, then 60.
        high, low = number >> 60, number & _LOW_60
        return (
            f"{self.start}{pairs[high >> 60]}{pairs[high >> 50 & 1023]}{pairs[high >> 40 & 1023]}{pairs[high >> 30 & 1023]}"
            f"{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}"
            f"{pairs[low >> 50]}{pairs[low >> 40 & 1023]}{pairs[low >> 30 & 1023]}"
            f"{pairs[low >> 20 & 1023]}{pairs[low >> 10 & 1023]}{pairs[low & 1023]}"
        )

    def parse(self, text: str, *path: str | int) -> UUID:
        """Parses an id; raises InvalidArgument with `path` when it is malformed or of another type."""
        if text.startswith(self.start):
            suffix = text[len(self.start) :]
            # 26 characters hold 130 bits, so the first may only use three of its five.
            if len(suffix) == _SUFFIX_LENGTH and suffix[0] in "01234567" and suffix.isascii():
                try:
                    return UUID(int=int(suffix.translate(_DIGITS), 32))
                except ValueError:
                    pass
        raise _not_an_id(self.start, path)

    def parse_all(self, texts: Sequence[str], field: str) -> list[UUID]:
        """Parses the ids of a batch, at most 100; raises InvalidArgument."""
        if len(texts) > _MAX_BATCH:
            rule = f"must name at most {_MAX_BATCH}"
            raise InvalidArgument(f"{field}: {rule}", fields=[Violation((field,), rule)])
        return [self.parse(text, field, index) for index, text in enumerate(texts)]

    def parse_unique(self, texts: Sequence[str], field: str) -> list[UUID]:
        """Like `parse_all`, for a batch whose results follow the order of its ids: at least one id, no duplicates."""
        if not texts or len(set(texts)) < len(texts):
            rule = "must name at least one, each once"
            raise InvalidArgument(f"{field}: {rule}", fields=[Violation((field,), rule)])
        return self.parse_all(texts, field)


ACCOUNT = IdKind("acc")
ADDRESS = IdKind("adr")
AUDIT = IdKind("aud")
CART = IdKind("cart")
CART_LINE = IdKind("cli")
CATEGORY = IdKind("cat")
NOTIFICATION = IdKind("ntf")
ORDER = IdKind("ord")
PAYMENT = IdKind("pay")
PAYMENT_METHOD = IdKind("pme")
PRODUCT = IdKind("prod")
REFUND = IdKind("ref")
SESSION = IdKind("ses")
SHIPPING_METHOD = IdKind("method")
SHIPPING_ZONE = IdKind("zone")
TAXES = IdKind("tax")
# Of the same UUIDs as products: the first variant of a product has its UUID (ADR 0039).
VARIANT = IdKind("var")


@dataclass(frozen=True, slots=True)
class SoldId:
    """The id of something that can be bought. `by_product`: it was named by its product, which must have no options then (ADR 0039)."""

    variant_id: UUID
    by_product: bool

    @classmethod
    def parse(cls, text: str, *path: str | int) -> "SoldId":
        """Parses an id that begins with prod_ or var_; raises InvalidArgument with `path`."""
        kind = VARIANT if text.startswith(VARIANT.start) else PRODUCT
        try:
            return cls(kind.parse(text), kind is PRODUCT)
        except InvalidArgument:
            raise _not_an_id(f"{PRODUCT.start} or {VARIANT.start}", path) from None

    def format(self) -> str:
        """The id as it was named."""
        return (PRODUCT if self.by_product else VARIANT).format(self.variant_id)


def _not_an_id(starts: str, path: tuple[str | int, ...]) -> InvalidArgument:
    return InvalidArgument(
        f"{'.'.join(map(str, path))}: not an id of the form {starts}...",
        fields=[Violation(path, f"must be an id that begins with {starts}")],
        reason="INVALID_ID",
    )
