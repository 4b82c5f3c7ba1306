"""The provider's intents: what it says about a charge, and who confirms it."""
