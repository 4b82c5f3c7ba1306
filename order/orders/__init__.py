"""Orders and their status machine: reading one, changing one, and reacting to payments and deadlines."""
