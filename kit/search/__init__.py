"""Elasticsearch behind an alias: versioned documents, and a named error when it is unavailable.

Not here: queries and mappings, which are the owner's (catalog/search).
"""

from kit.search.index import Document, PluginsMissing, SearchIndex, SearchUnavailable

__all__ = ["Document", "PluginsMissing", "SearchIndex", "SearchUnavailable"]
