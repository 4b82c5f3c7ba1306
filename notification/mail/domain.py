"""A mail, ready to send."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered notification; the same notification always has the same `message_id`."""

    message_id: str
    recipient: str
    subject: str
    text: str
    html: str
