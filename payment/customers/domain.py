"""An account at the provider."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Customer:
    """An account at the provider; `is_deleted`: nothing is saved for it any more. `attempts` counts leases of its deletion."""

    account_id: UUID
    provider_id: str
    is_deleted: bool
    attempts: int = 0
