"""Pictures of the demonstration catalogue: one drawing for each category, in colours that follow from the product."""

import hashlib
from collections.abc import Mapping

# Shapes in a square of 100 by 100. A is the product's colour, B a dark shade of it, C a light one.
_DRAWINGS: Mapping[str, str] = {
    "laptops": '<rect x="22" y="28" width="56" height="36" rx="3" fill="B"/><rect x="26" y="32" width="48" height="28" fill="C"/><path d="M14 68h72l-4 6H18z" fill="A"/>',
    "phones": '<rect x="35" y="18" width="30" height="64" rx="5" fill="B"/><rect x="38" y="24" width="24" height="48" fill="C"/><circle cx="50" cy="77" r="2.5" fill="A"/>',
    "tablets": '<rect x="26" y="18" width="48" height="64" rx="5" fill="B"/><rect x="30" y="23" width="40" height="52" fill="C"/><path d="M34 66l12-16 9 10 6-7 6 13z" fill="A"/>',
    "headphones": '<path d="M24 60V50a26 26 0 0 1 52 0v10" fill="none" stroke="B" stroke-width="6"/><rect x="18" y="54" width="14" height="24" rx="6" fill="A"/><rect x="68" y="54" width="14" height="24" rx="6" fill="A"/>',
    "cameras": '<rect x="18" y="34" width="64" height="40" rx="5" fill="B"/><rect x="30" y="27" width="16" height="9" rx="2" fill="A"/><circle cx="52" cy="54" r="15" fill="C"/><circle cx="52" cy="54" r="9" fill="A"/>',
    "kitchen": '<path d="M30 44h36v24a10 10 0 0 1-10 10H40a10 10 0 0 1-10-10z" fill="A"/><path d="M66 50h6a8 8 0 0 1 0 16h-6" fill="none" stroke="B" stroke-width="5"/><rect x="26" y="36" width="44" height="8" rx="4" fill="B"/><circle cx="48" cy="31" r="4" fill="B"/>',
    "coffee": '<path d="M32 26h36l5 10v42a4 4 0 0 1-4 4H31a4 4 0 0 1-4-4V36z" fill="B"/><ellipse cx="50" cy="58" rx="12" ry="16" fill="A"/><path d="M50 42c-6 10 6 20 0 32" fill="none" stroke="B" stroke-width="3"/>',
    "tea": '<path d="M24 44h44v14a20 20 0 0 1-20 20h-4a20 20 0 0 1-20-20z" fill="A"/><path d="M68 48h5a8 8 0 0 1 0 16h-7" fill="none" stroke="B" stroke-width="5"/><path d="M38 36c-4-6 4-8 0-14M50 36c-4-6 4-8 0-14" fill="none" stroke="C" stroke-width="4"/>',
    "furniture": '<path d="M34 20h32l-3 34H37z" fill="A"/><rect x="30" y="54" width="40" height="9" rx="3" fill="B"/><path d="M34 63l-4 20M66 63l4 20" stroke="B" stroke-width="5"/>',
    "lamps": '<path d="M36 22h28l12 26H24z" fill="A"/><rect x="47" y="48" width="6" height="28" fill="B"/><rect x="34" y="76" width="32" height="6" rx="3" fill="B"/><path d="M30 50h40l6 10H24z" fill="C"/>',
    "bedding": '<rect x="18" y="44" width="64" height="30" rx="6" fill="A"/><rect x="24" y="32" width="24" height="16" rx="6" fill="C"/><rect x="52" y="32" width="24" height="16" rx="6" fill="C"/><path d="M18 58h64" stroke="B" stroke-width="4"/>',
    "shoes": '<path d="M18 66V44c8 4 14 2 18-6l22 16c6 4 22 2 24 12z" fill="A"/><rect x="18" y="66" width="64" height="8" rx="4" fill="B"/><path d="M40 46l-4 8M47 51l-4 8M54 56l-4 6" stroke="C" stroke-width="3"/>',
    "jackets": '<path d="M38 24h24l16 12-8 16-6-4v32H36V48l-6 4-8-16z" fill="A"/><path d="M50 26v54" stroke="B" stroke-width="3"/><path d="M40 24a10 8 0 0 0 20 0" fill="C"/>',
    "bags": '<rect x="28" y="34" width="44" height="48" rx="10" fill="A"/><path d="M40 34v-6a10 10 0 0 1 20 0v6" fill="none" stroke="B" stroke-width="5"/><rect x="35" y="54" width="30" height="20" rx="4" fill="B"/>',
    "watches": '<rect x="42" y="14" width="16" height="72" rx="5" fill="B"/><circle cx="50" cy="50" r="21" fill="A"/><circle cx="50" cy="50" r="16" fill="C"/><path d="M50 40v10l7 5" fill="none" stroke="B" stroke-width="3"/>',
    "bicycles": '<circle cx="30" cy="62" r="15" fill="none" stroke="B" stroke-width="4"/><circle cx="70" cy="62" r="15" fill="none" stroke="B" stroke-width="4"/><path d="M30 62l12-24h20l8 24M42 38l10 24h18M36 34h10M62 38l-2-8h8" fill="none" stroke="A" stroke-width="4"/>',
    "garden": '<path d="M34 54h32l-5 28H39z" fill="A"/><rect x="30" y="48" width="40" height="8" rx="3" fill="B"/><path d="M50 48c0-14 4-22 16-26 0 14-6 22-16 26zM50 48c0-10-4-16-14-20 0 12 4 18 14 20z" fill="C"/>',
    "toys": '<rect x="22" y="52" width="26" height="26" fill="A"/><rect x="52" y="52" width="26" height="26" fill="B"/><rect x="37" y="24" width="26" height="26" fill="C"/>',
    "books": '<rect x="26" y="22" width="44" height="58" rx="3" fill="A"/><rect x="26" y="22" width="9" height="58" fill="B"/><rect x="42" y="34" width="20" height="5" fill="C"/><rect x="42" y="43" width="14" height="4" fill="C"/>',
    "sports": '<circle cx="50" cy="50" r="26" fill="A"/><path d="M30 34c14 8 26 8 40 0M30 66c14-8 26-8 40 0M50 24v52" fill="none" stroke="C" stroke-width="3"/>',
}  # fmt: skip
_OTHER = '<path d="M24 36l26-12 26 12v30L50 78 24 66z" fill="A"/><path d="M24 36l26 12 26-12M50 48v30" fill="none" stroke="B" stroke-width="3"/>'
ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect width="100" height="100" rx="22" fill="#0b5d4e"/><path d="M30 40h40l-5 34H35zM40 40v-5a10 10 0 0 1 20 0v5" fill="none" stroke="#fff" stroke-width="6"/></svg>'


def hue_of(product: str) -> int:
    """0 to 359."""
    return int.from_bytes(hashlib.sha256(product.encode()).digest()[:2]) % 360


def picture(category: str, product: str) -> str:
    """An SVG; `category` is a slug, `product` a word that decides the colours."""
    hue = hue_of(product)
    colours = {"A": f"hsl({hue} 45% 48%)", "B": f"hsl({hue} 35% 27%)", "C": f"hsl({hue} 55% 84%)"}
    shapes = _DRAWINGS.get(category, _OTHER)
    for letter, colour in colours.items():
        shapes = shapes.replace(f'"{letter}"', f'"{colour}"')
    background = f"hsl({(hue + 40) % 360} 30% 93%)"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect width="100" height="100" fill="{background}"/>{shapes}</svg>'
