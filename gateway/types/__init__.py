"""The types of the public API: data and descriptions, no resolvers. Relations between them: gateway.resolvers."""
