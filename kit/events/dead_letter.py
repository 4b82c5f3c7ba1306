"""A dead letter as operators see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A pending dead letter: its original position, event and error."""

    record: str
    type: str
    key: str
    error: str
    message: str
    tries: str
    time: str
