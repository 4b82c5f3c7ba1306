"""The gateway: the public GraphQL API, put together from the five services; it keeps nothing itself."""
