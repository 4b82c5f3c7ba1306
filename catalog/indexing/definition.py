"""The index's definition: its fields, and how texts are analyzed. The queries are in `search.queries`.

All analysis happens in Elasticsearch, on fields that documents had from the start: during an upgrade, old and new replicas write the same
documents, whichever index the alias points to. New fields without an analyzer are added to the index of the release before (`kit.search`).
ADR 0026 has the alternatives and the figures.
"""

from collections.abc import Mapping
from typing import Any, Final

# Elasticsearch plugins that the definition needs.
PLUGINS: Final = ("analysis-icu",)
# A name may be one word.
_MAX_NAME: Final = 200
_MAX_SKU: Final = 64
# English suffixes that look like words ("adjus-table"): such words are not compounds.
_NOT_COMPOUND: Final = r"(?!\p{L}*(?:ables?|ibles?|ably|[ai]tions?|ments?|ness|ings?|it(?:y|ies))$)"
_AFTER_A_WORD = r"(?<=^\p{L}{3,60})"

_CHARACTERS: Final[Mapping[str, Any]] = {
    # Before normalization, which would turn them into letters or spaces.
    "marks": {
        "type": "mapping",
        "mappings": [
            *(f"{sign} => '" for sign in "’‘‛ʼʻ′´`＇"),  # noqa: RUF001
            *(f"{sign} => \\u0020" for sign in "™®©℠"),
        ],
    },
    "normal": {"type": "icu_normalizer", "name": "nfkc_cf"},
    # Signs that distinguish names become part of the word: C++, F#, .NET, A+.
    "acronyms": {
        "type": "pattern_replace",
        "pattern": r"(?<=(?<![\p{L}\p{N}])\p{L})\.(?=\p{L}(?![\p{L}\p{M}\p{N}]))",
        "replacement": "",
    },
    "sharp": {
        "type": "pattern_replace",
        "pattern": r"(?<=[\p{L}\p{N}])[#♯](?![\p{L}\p{N}])",
        "replacement": "_sharp",
    },
    "plus": {
        "type": "pattern_replace",
        "pattern": r"(?<=[\p{L}\p{N}+])\+(?![\p{L}\p{N}])",
        "replacement": "_plus",
    },
    "dot": {
        "type": "pattern_replace",
        "pattern": r"(?<![\p{L}\p{M}\p{N}.])\.(?=\p{L})",
        "replacement": "dot_",
    },
    "and": {"type": "mapping", "mappings": ["& => \\u0020and\\u0020", "++ => _plus_plus\\u0020"]},
    "inner_and": {
        "type": "pattern_replace",
        "pattern": r"(?<=[\p{L}\p{N}])&(?=[\p{L}\p{N}])",
        "replacement": " ",
    },
    "comma": {
        "type": "pattern_replace",
        "pattern": r"(?<=\p{N}),(?=\p{N}{1,2}(?!\p{N}))",
        "replacement": ".",
    },
    # Chinese and Japanese are searched by character: a dictionary could split a query differently from the name that contains it.
    "apart": {
        "type": "pattern_replace",
        "pattern": r"(?<=[\p{IsHan}\p{IsHiragana}])(?=[\p{L}\p{N}&&[^ー]])|(?<=[\p{L}\p{N}])(?=[\p{IsHan}\p{IsHiragana}])",
        "replacement": " ",
    },
    # O'Brien, f_sharp, node.js, 250g.
    "split": {
        "type": "pattern_replace",
        "pattern": r"['_:·]|(?<=\p{L})\.(?=\p{L})|(?<=\p{L})(?=\p{N})|(?<=\p{N})(?=\p{L})",
        "replacement": " ",
    },
    "bare": {"type": "pattern_replace", "pattern": r"[^\p{L}\p{M}\p{N}]+", "replacement": ""},
}
_SIGNS: Final = ["marks", "normal", "acronyms", "sharp", "and", "plus", "dot", "comma", "apart"]
_SPLIT: Final = [
    "marks",
    "normal",
    "acronyms",
    "sharp",
    "inner_and",
    "and",
    "plus",
    "dot",
    "comma",
    "apart",
    "split",
]

_TERMS: Final[Mapping[str, Any]] = {
    "english_words": {"type": "stemmer", "language": "light_english"},
    "beginnings": {"type": "edge_ngram", "min_gram": 1, "max_gram": _MAX_NAME},
    "sku_beginnings": {"type": "edge_ngram", "min_gram": 2, "max_gram": _MAX_SKU},
    "pairs": {"type": "shingle", "min_shingle_size": 2, "max_shingle_size": 2, "token_separator": "~"},
    # The last part of a compound, with and without plural endings: Laufschuhe, Regenjacken. Pairs (with ~) do not match.
    "compounds": {
        "type": "pattern_capture",
        "preserve_original": True,
        "patterns": [
            _AFTER_A_WORD + _NOT_COMPOUND + r"(?=(\p{L}{5,100})$)",
            _AFTER_A_WORD + _NOT_COMPOUND + r"(?=(\p{L}{4,100})[enrs]$)",
            _AFTER_A_WORD + _NOT_COMPOUND + r"(?=(\p{L}{4,100})(?:e[nrsm])$)",
            r"(?<=^\p{IsHangul}{2,60})(?=(\p{IsHangul}{2,60})$)",
            r"(?<=^[\p{IsKatakana}ー]{2,60})(?=([\p{IsKatakana}ー]{3,60})$)",
        ],
    },
    # Every possible first and last part of a compound, for fuzzy searches.
    "pieces": {
        "type": "pattern_capture",
        "preserve_original": True,
        "patterns": [
            r"(?<=^\p{L}{3,60})(?=(\p{L}{3,100})$)",
            r"(?<=^\p{L}{3,60})(?=(\p{L}{3,100})[enrs]$)",
            r"(?<=(^\p{L}{4,60}))(?=\p{L}{3,100}$)",
        ],
    },
    "joined": {"type": "pattern_replace", "pattern": "~", "replacement": ""},
}


def _analyzer(characters: list[str], *filters: str, tokenizer: str = "icu_tokenizer") -> Mapping[str, Any]:
    return {"tokenizer": tokenizer, "char_filter": characters, "filter": ["icu_folding", *filters]}


# `words` are stemmed. `parts` are split at punctuation and digits. `loose` adds alternative spellings. `prefixes` match incomplete words.
ANALYSIS: Final[Mapping[str, Any]] = {
    "char_filter": _CHARACTERS,
    "filter": _TERMS,
    "analyzer": {
        "words": _analyzer(_SIGNS, "english_words"),
        "plain": _analyzer(_SIGNS),
        "parts": _analyzer(_SPLIT),
        "prefixes": _analyzer(_SPLIT, "beginnings"),
        "loose": _analyzer(_SPLIT, "pairs", "compounds", "joined", "keyword_repeat", "english_words"),
        "pieces": _analyzer(_SPLIT, "pieces"),
        "sku": _analyzer(["normal", "bare"], tokenizer="keyword"),
        "sku_prefixes": _analyzer(["normal", "bare"], "sku_beginnings", tokenizer="keyword"),
    },
    "normalizer": {
        "folded": {"type": "custom", "filter": ["icu_folding"]},
        "bare": {"type": "custom", "char_filter": ["normal", "bare"], "filter": ["icu_folding"]},
    },
}

_TEXT: Final = {"type": "text", "analyzer": "words"}
# Only presence counts: no positions, frequencies or lengths.
_PRESENCE: Final = {"type": "text", "index_options": "docs", "norms": False, "similarity": "boolean"}
DEFINITION: Final[Mapping[str, Any]] = {
    "settings": {
        "number_of_shards": 1,
        "auto_expand_replicas": "0-1",
        # The indexer refreshes, so it knows when its writes are visible.
        "refresh_interval": -1,
        "analysis": ANALYSIS,
    },
    "mappings": {
        "dynamic": "strict",
        "properties": {
            "id": {"type": "keyword"},
            "name": {
                **_TEXT,
                "fields": {
                    "plain": {"type": "text", "analyzer": "plain"},
                    "prefix": {
                        "type": "text",
                        "analyzer": "prefixes",
                        "search_analyzer": "parts",
                        "index_options": "docs",
                    },
                    # Same search analyzer as name, category and description: cross_fields may find a query's words in any of the four.
                    "loose": {**_PRESENCE, "analyzer": "loose", "search_analyzer": "words"},
                    "pieces": {**_PRESENCE, "analyzer": "pieces", "search_analyzer": "parts"},
                    "sort": {"type": "keyword", "normalizer": "folded"},
                },
            },
            "description": _TEXT,
            "category": _TEXT,
            "category_slug": {"type": "keyword"},
            "sku": {
                "type": "keyword",
                "normalizer": "folded",
                "fields": {
                    "bare": {"type": "keyword", "normalizer": "bare", "doc_values": False},
                    "prefix": {**_PRESENCE, "analyzer": "sku_prefixes", "search_analyzer": "sku"},
                },
            },
            "price": {"type": "long"},
            # Of the variants that can be bought: each value, and each combination of values (`options.combinations`).
            "option_values": {"type": "keyword"},
            "option_combinations": {"type": "keyword"},
            "currency": {"type": "keyword"},
            "available": {"type": "boolean"},
            "create_time": {"type": "long"},
            "product": {"type": "binary"},
        },
    },
}
