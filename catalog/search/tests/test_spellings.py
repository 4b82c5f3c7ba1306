"""Names match in alternative spellings: joined or separated words, without signs, in any script, in part. On a real Elasticsearch."""

# ruff: noqa: RUF001 (tests similar letters)
from collections.abc import Mapping, Sequence

import pytest

from catalog.search.spellings import shortened, spellings
from catalog.tests.indexed import Index, elasticsearch, index, redis

__all__ = ["elasticsearch", "index", "redis"]

OTHERS = ("Steel Mug", "Teapot", "Garden Rake")


async def filled(index: Index, names: Sequence[str]) -> None:
    await index.write(*(index.product(name) for name in (*names, *OTHERS)))


# By kind: names, and queries for which each must rank first.
KINDS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "joined or separated": {
        "Ear-Buds": ["earbuds", "ear buds", "ear-buds", "earbud"],
        "E-Book Reader": ["ebook", "e book", "ebook reader", "e-book reader"],
        "X-Ray Film": ["xray", "x ray", "x-ray film"],
        "Powerbank": ["power bank", "power-bank", "powerbank"],
        "Wi Fi Router": ["wifi", "wi-fi", "wifi router"],
        "iPhone13 Case": ["iphone 13", "iphone13", "iphone-13"],
        "3-in-1 Charger": ["3in1", "3 in 1", "3-in-1"],
        "Node.js Guide": ["nodejs", "node js", "node.js"],
        "U.S.A. Flag": ["usa", "u.s.a.", "usa flag"],
    },
    "conjunctions": {
        "Fish & Chips": ["fish and chips", "fish & chips", "fish chips", "fish + chips"],
        "Salz und Pfeffer": ["salz & pfeffer", "salz und pfeffer", "salz + pfeffer"],
        "Соль & перец": ["соль и перец", "соль & перец"],
        "Sal y Pimienta": ["sal & pimienta", "sal y pimienta"],
        "H&M Shirt": ["h&m", "h & m", "hm shirt", "h and m"],
    },
    "units": {
        "Coffee 250g": ["250 g", "250g", "coffee 250 g"],
        "Rice 500 g": ["500g", "500 g", "rice 500g"],
        "Kettle 1,5 L": ["1.5l", "1,5 l", "1.5 l"],
        "Cable 2m": ["2 m", "2m", "cable 2 m"],
        "Rug 4 ㎡": ["4 m2", "4m²"],
    },
    "apostrophes": {
        "O'Brien Jam": ["brien", "obrien", "o'brien", "o brien", "o’brien", "O`Brien"],
        "L’Oréal Mask": ["loreal", "oreal", "l'oréal"],
        "D´Artagnan": ["dartagnan", "artagnan", "d'artagnan"],
    },
    "signs": {
        "F# Handbook": ["f#", "F# handbook", "f sharp"],
        "F Handbook": ["f", "f handbook"],
        "C++ Handbook": ["c++", "C++ handbook"],
        "C# Handbook": ["c#", "c sharp"],
        "C Handbook": ["c", "c handbook"],
        ".NET Handbook": [".net", "dotnet", "dot net"],
        "Net Handbook": ["net", "net handbook"],
        "A+ Handbook": ["a+", "a+ handbook"],
        "A Handbook": ["a", "a handbook"],
    },
    "scripts": {
        "Μέλι": ["ΜΕΛΙ", "μελι", "Μέλι"],
        "Φόρος": ["ΦΟΡΟΣ", "φορος"],
        "Ёж": ["еж", "ЕЖ", "ёж"],
        "كِتَاب": ["كتاب", "كِتَاب"],
        "قهوة": ["قَهْوَة", "قهوة"],
        "שָׁלוֹם": ["שלום", "שָׁלוֹם"],
        "パソコン": ["ﾊﾟｿｺﾝ", "パソコン"],
        "ｺｰﾋｰ豆": ["コーヒー", "ｺｰﾋｰ", "コーヒー豆"],
        "Premium 绿茶茶叶 礼盒": ["茶叶", "绿茶", "礼盒", "premium 茶叶"],
        "iPhone手机壳": ["手机", "手机壳", "iphone 手机"],
        "こども絵本セット": ["絵本", "セット"],
        "무선이어폰": ["이어폰", "무선"],
        "เครื่องชงกาแฟสด": ["กาแฟ", "เครื่องชงกาแฟ", "กาแฟสด"],
        "ກາເຟລາວ": ["ກາເຟ", "ກາເຟລາວ"],
        "လက်ဖက်ရည်ခြောက်": ["လက်ဖက်ရည်"],
        "កាហ្វេខ្មែរ": ["កាហ្វេ"],
        "चाय २५०": ["250", "चाय 250"],
        "Ｍａｔｃｈａ": ["matcha", "ｍａｔｃｈａ"],
        "Straße": ["strasse", "STRASSE"],
        "Smørrebrød": ["smorrebrod"],
    },
    "compounds": {
        "Laufschuhe": ["schuhe", "schuh", "laufschuhe", "lauf schuhe"],
        "Regenjacken": ["jacke", "jacken", "regenjacke"],
        "Kaffeemaschine": ["maschine", "kaffee maschine", "kaffee-maschine"],
        "Schreibtischlampe": ["lampe", "schreibtisch", "tischlampe", "schreibtisch lampe"],
        "Armbanduhr": ["uhr", "armband", "armband uhr"],
        "Damenregenhose": ["hose", "regenhose", "damen hose"],
        "Sonnenschutzcreme": ["schutz", "creme", "sonnenschutz"],
        "ワイヤレスイヤホン": ["イヤホン", "ワイヤレス"],
    },
}
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
async def test_names_rank_first_in_every_spelling(index: Index, kind: str) -> None:
    await filled(index, list(KINDS[kind]))

    first = {query: (await index.names(query))[:1] for queries in KINDS[kind].values() for query in queries}

    assert first == {query: [name] for name, queries in KINDS[kind].items() for query in queries}


@every_kind
async def test_suggestions_stay_while_letters_are_added(index: Index, kind: str) -> None:
    await filled(index, list(KINDS[kind]))
    typed = [
        query[:end]
        for queries in KINDS[kind].values()
        for query in queries
        for end in range(1, len(query) + 1)
    ]
    # Signs without letters are not a word yet.
    typed = [prefix for prefix in dict.fromkeys(typed) if any(map(str.isalnum, prefix))]

    empty = [prefix for prefix in typed if not await index.reader.suggest(prefix.strip(), 3)]

    assert empty == []


async def test_exact_spellings_rank_before_alternative_ones(index: Index) -> None:
    await filled(index, ["Earbuds", "Ear Buds", "Laufschuhe", "Schuhe", "Fish & Chips", "Chips with Fish"])

    assert (await index.names("earbuds"))[:2] == ["Earbuds", "Ear Buds"]
    assert (await index.names("ear buds"))[:2] == ["Ear Buds", "Earbuds"]
    assert await index.names("schuhe") == ["Schuhe", "Laufschuhe"]
    assert await index.names("fish & chips") == ["Fish & Chips", "Chips with Fish"]


async def test_an_english_suffix_is_not_part_of_a_compound(index: Index) -> None:
    await index.add("Oak Table")
    for name in ("Adjustable Desk", "Inflatable Mat", "Comfortable Chair"):
        await index.add(name)
    for number in range(3):
        await index.add(f"Table {number}")

    assert all("Table" in name.split() for name in await index.names("table"))


@pytest.mark.parametrize(
    "word", ["Donaudampfschifffahrtsgesellschaft", "Pneumonoultramicroscopicsilicovolcanoconiosis"]
)
async def test_a_long_word_is_found_by_every_prefix(index: Index, word: str) -> None:
    await filled(index, [word])

    for end in range(1, len(word) + 1):
        assert (await index.names(word[:end]))[0] == word
        assert await index.reader.suggest(word[:end], 3) == [word]


@pytest.mark.parametrize(
    "query",
    ["LAP-UB13", "lap-ub13", "LAPUB13", "lap ub13", "LAP-", "LAP-U", "lapu", "LAP UB", "ＬＡＰ－ＵＢ"],
)
async def test_a_sku_is_found_by_its_prefix_and_without_punctuation(index: Index, query: str) -> None:
    await index.add("Notebook", sku="LAP-UB13")
    await index.add("Other Notebook", sku="MON-27")

    assert (await index.names(query))[:1] == ["Notebook"]


async def test_a_whole_sku_ranks_before_skus_with_that_prefix(index: Index) -> None:
    await index.add("Cup", sku="MUG-1")
    for number in range(10, 15):
        await index.add("Cup", sku=f"MUG-{number}")

    for query in ("MUG-1", "mug1"):
        [first, *_] = (await index.search(query)).hits
        assert first[0].sku == "MUG-1"


async def test_a_later_word_of_a_name_is_suggested_in_any_script(index: Index) -> None:
    names = ["绿茶 茶叶 礼盒", "Green Tea Set", "зелёный чай листовой", "شاي أخضر", "緑茶 ティーバッグ"]
    await filled(index, names)

    for name in names:
        for word in name.split():
            for end in range(1, len(word) + 1):
                assert name in await index.reader.suggest(word[:end], 10), word[:end]
    for typed in ("green t", "green te", "green tea s", "绿茶 茶", "绿茶 茶叶 礼"):
        assert await index.reader.suggest(typed, 10)


async def test_suggestions_tolerate_typos_in_prefixes(index: Index) -> None:
    await filled(index, ["Gaming Laptop"])

    for typed in ("lapto", "lpato", "labtop", "gaming lpat"):
        assert await index.reader.suggest(typed, 10) == ["Gaming Laptop"], typed


@pytest.mark.parametrize(
    ("query", "others"),
    [
        ("mug", []),
        ("ear buds", ["earbuds"]),
        ("ear-buds case", ["earbuds case", "ear-budscase"]),
        ("fish & chips", ["fish chips", "fish  chips", "fish& chips", "fish &chips"]),
        ("a b c d e f", []),
        ("", []),
    ],
)
def test_alternative_spellings_join_words_and_omit_conjunctions(query: str, others: list[str]) -> None:
    assert spellings(query) == others


@pytest.mark.parametrize(
    ("text", "parts"),
    [("green t", ["green"]), ("green", []), ("a b c", ["a b"]), ("", []), ("กาแฟ", ["กาแ", "กา", "ก"])],
)
def test_a_shortened_query_lacks_the_last_word_or_letters(text: str, parts: list[str]) -> None:
    assert shortened(text) == parts
