"""The index's definition: which fields there are, and how texts become the terms that are searched. What is asked is in `search_queries`.

Analysis is Elasticsearch's alone, from fields that documents have had all along: old and new replicas write the same documents, whichever
index the alias points at. ADR 0026 has the alternatives and the figures.
"""

from collections.abc import Mapping
from typing import Any, Final

# Which the definition needs beside the stock modules of Elasticsearch.
PLUGINS: Final = ("analysis-icu",)
# A name's longest word may be the name.
_LONGEST_NAME = 200
_LONGEST_SKU = 64
# English endings that look like words ("adjus-table"): what has them is not a compound.
_NO_COMPOUND = r"(?!\p{L}*(?:ables?|ibles?|ably|[ai]tions?|ments?|ness|ings?|it(?:y|ies))$)"
_AFTER_A_WORD = r"(?<=^\p{L}{3,60})"

_CHARACTERS: Final[Mapping[str, Any]] = {
    # Before normalization, which would make letters or spaces of them.
    "marks": {
        "type": "mapping",
        "mappings": [
            *(f"{sign} => '" for sign in "’‘‛ʼʻ′´`＇"),  # noqa: RUF001
            *(f"{sign} => \\u0020" for sign in "™®©℠"),
        ],
    },
    "normal": {"type": "icu_normalizer", "name": "nfkc_cf"},
    # Signs that tell names apart become part of the word: C++, F#, .NET, A+.
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
    # Chinese and Japanese are searched by character: a dictionary would part a query otherwise than the name it is in.
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
    "beginnings": {"type": "edge_ngram", "min_gram": 1, "max_gram": _LONGEST_NAME},
    "sku_beginnings": {"type": "edge_ngram", "min_gram": 2, "max_gram": _LONGEST_SKU},
    "pairs": {"type": "shingle", "min_shingle_size": 2, "max_shingle_size": 2, "token_separator": "~"},
    # What a compound ends in, with and without the endings of plurals: Laufschuhe, Regenjacken. Pairs (with ~) are none.
    "compounds": {
        "type": "pattern_capture",
        "preserve_original": True,
        "patterns": [
            _AFTER_A_WORD + _NO_COMPOUND + r"(?=(\p{L}{5,100})$)",
            _AFTER_A_WORD + _NO_COMPOUND + r"(?=(\p{L}{4,100})[enrs]$)",
            _AFTER_A_WORD + _NO_COMPOUND + r"(?=(\p{L}{4,100})(?:e[nrsm])$)",
            r"(?<=^\p{IsHangul}{2,60})(?=(\p{IsHangul}{2,60})$)",
            r"(?<=^[\p{IsKatakana}ー]{2,60})(?=([\p{IsKatakana}ー]{3,60})$)",
        ],
    },
    # Everything that a compound may begin or end with; for tolerant searches.
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


# `words`: what a text says. `parts`: what it is made of. `loose`: all the ways in which that may be written. `prefixes`: while it is typed.
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

_TEXT = {"type": "text", "analyzer": "words"}
# Whether it is there is all that counts: no positions, no frequencies, no lengths.
_THERE = {"type": "text", "index_options": "docs", "norms": False, "similarity": "boolean"}
DEFINITION: Final[Mapping[str, Any]] = {
    "settings": {
        "number_of_shards": 1,
        "auto_expand_replicas": "0-1",
        # The indexer refreshes, so that it knows when searches see what it wrote.
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
                    # Searched with the analyzer of name, category and description: a query's words may be in any of the four.
                    "loose": {**_THERE, "analyzer": "loose", "search_analyzer": "words"},
                    "pieces": {**_THERE, "analyzer": "pieces", "search_analyzer": "parts"},
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
                    "prefix": {**_THERE, "analyzer": "sku_prefixes", "search_analyzer": "sku"},
                },
            },
            "price": {"type": "long"},
            "currency": {"type": "keyword"},
            "available": {"type": "boolean"},
            "create_time": {"type": "long"},
            "product": {"type": "binary"},
        },
    },
}
