"""What was used last, as far as it fits: so many values, of so many bytes in all."""

from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """Values by text. What was used longest ago is forgotten first; what is larger than all the room is not remembered."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._values: OrderedDict[str, tuple[V, int]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str) -> V | None:
        """None when it is not known."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: str, value: V, size: int) -> None:
        """Remembers a value of so many bytes, its key included."""
        if key in self._values:
            self.bytes -= self._values.pop(key)[1]
        if size > self._most_bytes:
            return
        self._values[key] = (value, size)
        self.bytes += size
        while self.bytes > self._most_bytes or len(self._values) > self._most:
            _, (_, freed) = self._values.popitem(last=False)
            self.bytes -= freed
