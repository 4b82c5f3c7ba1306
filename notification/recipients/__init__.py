"""Recipients: the name and address of every account, projected from the account service's events."""
