"""An in-memory LRU cache bounded by entries and by bytes."""

from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")


class BoundedCache(Generic[V]):
    """Values by text; evicts the least recently used. A value larger than the whole cache is not stored."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._values: OrderedDict[str, tuple[V, int]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str) -> V | None:
        """None when the key is not cached."""
        entry = self._values.get(key)
        if entry is None:
            return None
        self._values.move_to_end(key)
        return entry[0]

    def put(self, key: str, value: V, size: int) -> None:
        """Caches a value; `size` is in bytes and includes the key."""
        if key in self._values:
            self.bytes -= self._values.pop(key)[1]
        if size > self._max_bytes:
            return
        self._values[key] = (value, size)
        self.bytes += size
        while self.bytes > self._max_bytes or len(self._values) > self._max_entries:
            _, (_, freed) = self._values.popitem(last=False)
            self.bytes -= freed
