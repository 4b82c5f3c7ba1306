"""Orders of deleted accounts: cancelled and anonymized, including those placed with the last access tokens."""
