"""Elasticsearch behind an alias: documents with versions, and absence that is an error of its own.

Not here: queries and mappings, which are the owner's (catalog/search.py).
"""

from kit.search.search import Document, PluginsMissing, Search, SearchUnavailable

__all__ = ["Document", "PluginsMissing", "Search", "SearchUnavailable"]
