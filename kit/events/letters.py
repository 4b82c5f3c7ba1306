"""What a dead letter looks like to an operator."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter that was not replayed: where the event stood, what it is, and why it was given up."""

    record: str
    type: str
    key: str
    error: str
    message: str
    tries: str
    time: str
