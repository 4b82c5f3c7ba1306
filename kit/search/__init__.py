"""Elasticsearch behind an alias: documents with versions, and absence that is an error of its own.

Not here: queries and mappings, which are the owner's (catalog/search).
"""

from kit.search.index import Document, PluginsMissing, SearchIndex, SearchUnavailable

__all__ = ["Document", "PluginsMissing", "SearchIndex", "SearchUnavailable"]
