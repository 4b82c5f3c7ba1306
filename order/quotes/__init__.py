"""What an order costs by the rules that this process knows, and whether it may be placed so."""
