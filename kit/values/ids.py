"""TypeIDs: a prefix that says what is named, and a UUID in base32 (https://github.com/jetify-com/typeid).

Everything inside Souk holds `uuid.UUID`; an id is formatted and parsed at the edges only.
"""

from collections.abc import Sequence
from uuid import UUID, uuid5

from typeid import TypeID
from uuid_utils import uuid7

from kit.errors import InvalidArgument, Violation

# The names of ids that follow from a key; changing it would make new ids of old keys.
_NAMESPACE = UUID("6f0c5f5e-5a0b-5c6e-9f5e-3a9d1c1b7a10")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUE = {character: value for value, character in enumerate(_ALPHABET)}
_SUFFIX_LENGTH = 26
_LARGEST_BATCH = 100


class IdKind:
    """The ids of one type of thing."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._start = prefix + "_"
        # typeid-python checks the prefix once; its own base32 costs ten times as much as the two loops below.
        TypeID(prefix=prefix)

    def new(self) -> UUID:
        """A fresh id: version 7, so later ones sort after earlier ones."""
        return UUID(int=uuid7().int)

    def derive(self, *parts: str) -> UUID:
        """The id that follows from a key: the same parts always give the same id (version 5)."""
        return uuid5(_NAMESPACE, "\0".join((self.prefix, *parts)))

    def format(self, value: UUID) -> str:
        """The id as it is written outside, e.g. ord_01h455vb4pex5vsknk084sn02q."""
        number = value.int
        characters = [""] * _SUFFIX_LENGTH
        for position in range(_SUFFIX_LENGTH - 1, -1, -1):
            characters[position] = _ALPHABET[number & 31]
            number >>= 5
        return self._start + "".join(characters)

    def parse(self, text: str, *path: str | int) -> UUID:
        """Reads an id; raises InvalidArgument naming `path` when it is malformed or of another type."""
        if text.startswith(self._start):
            suffix = text[len(self._start) :]
            # 26 characters hold 130 bits: the first may use but three of its five.
            if len(suffix) == _SUFFIX_LENGTH and suffix[0] in "01234567":
                number = 0
                for character in suffix:
                    digit = _VALUE.get(character)
                    if digit is None:
                        break
                    number = number << 5 | digit
                else:
                    return UUID(int=number)
        raise InvalidArgument(
            f"{'.'.join(map(str, path))}: not an id of the form {self._start}...",
            fields=[Violation(path, f"must be an id that begins with {self._start}")],
            reason="INVALID_ID",
        )

    def parse_all(self, texts: Sequence[str], field: str) -> list[UUID]:
        """Reads the ids that a batch names, 100 at most; raises InvalidArgument."""
        if len(texts) > _LARGEST_BATCH:
            rule = f"must name at most {_LARGEST_BATCH}"
            raise InvalidArgument(f"{field}: {rule}", fields=[Violation((field,), rule)])
        return [self.parse(text, field, at) for at, text in enumerate(texts)]

    def parse_unique(self, texts: Sequence[str], field: str) -> list[UUID]:
        """The same, for a batch whose answers stand in the order of its ids: at least one, each once."""
        if not texts or len(set(texts)) < len(texts):
            rule = "must name at least one, each once"
            raise InvalidArgument(f"{field}: {rule}", fields=[Violation((field,), rule)])
        return self.parse_all(texts, field)


ACCOUNT = IdKind("acc")
AUDIT = IdKind("aud")
CATEGORY = IdKind("cat")
NOTIFICATION = IdKind("ntf")
ORDER = IdKind("ord")
PAYMENT = IdKind("pay")
PRODUCT = IdKind("prod")
REFUND = IdKind("ref")
SESSION = IdKind("ses")
