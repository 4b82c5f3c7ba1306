"""Declaring all options and variants of a product at once: the rules for the input, and which existing variant each is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from catalog.fields import MAX_STOCK
from catalog.identities import option_identity, sku_identity
from catalog.options import OptionValue, ProductOption
from catalog.products.domain import Product
from catalog.products.errors import SkuTaken
from catalog.variant_changes.errors import DuplicateOptions, OptionsMismatch, TooManyVariants
from catalog.variants.domain import Terms, Variant
from kit.errors import InvalidArgument, Violation, describe
from kit.values import VARIANT, FieldReader

_MAX_OPTIONS: Final = 3
_MAX_VALUES: Final = 100
_MAX_VARIANTS: Final = 2048
_MAX_NAME: Final = 50
_MAX_VALUE: Final = 100


@dataclass(frozen=True, slots=True)
class Declared:
    """A variant as declared. `stock` is its first free stock if it is new, None if that is not tracked."""

    id: UUID | None
    options: tuple[OptionValue, ...]
    terms: Terms
    stock: int | None


@dataclass(frozen=True, slots=True)
class Declaration:
    """The validated options and variants of a product, in the order to be shown; options of variants are in the order of `options`."""

    options: tuple[ProductOption, ...]
    variants: tuple[Declared, ...]

    @classmethod
    def parse(cls, options: Sequence[ProductOption], variants: Sequence[Declared]) -> "Declaration":
        """Raises InvalidArgument with all violations, or one of the errors of `errors` with all violations of its rule."""
        if len(variants) > _MAX_VARIANTS:
            rule = f"must have at most {_MAX_VARIANTS:,}"
            raise TooManyVariants(f"variants: {rule}", fields=[Violation(("variants",), rule)])
        reader = FieldReader()
        named = _options(reader, options)
        reader.require(bool(variants), "must have at least 1", "variants")
        one = bool(named) or len(variants) <= 1
        reader.require(one, "must have exactly 1 without options", "variants")
        for index, variant in enumerate(variants):
            if variant.stock is not None:
                reader.integer(variant.stock, "variants", index, "stock", minimum=0, maximum=MAX_STOCK)
        reader.raise_if_invalid()
        _check_differ(named)
        declaration = cls(named, _with_options_in_order(named, variants))
        declaration._check_unique()
        return declaration

    def resolve(self, product: Product, existing: Sequence[Variant]) -> list[Variant]:
        """The variants that the product is to have: existing ones by their id, or else by their options, and new ones.

        Raises InvalidArgument for the id of a variant that the product does not have.
        """
        if not self.options:
            return [self._only_variant(product)]
        ids = {variant.id for variant in existing}
        unknown = [
            Violation(("variants", index, "id"), "must be the id of a variant of this product")
            for index, declared in enumerate(self.variants)
            if declared.id is not None and declared.id not in ids
        ]
        if unknown:
            raise InvalidArgument("variants: unknown ids", fields=unknown)
        claimed = {declared.id for declared in self.variants}
        by_options = {
            self._key(variant.options): variant.id for variant in existing if variant.id not in claimed
        }
        return [
            self._variant(
                declared.id or by_options.get(self._key(declared.options)) or VARIANT.new(),
                product,
                position,
                declared,
            )
            for position, declared in enumerate(self.variants)
        ]

    def _only_variant(self, product: Product) -> Variant:
        """Without options: the variant with the product's uuid, also if it was deleted while there were options."""
        [declared] = self.variants
        if declared.id not in (None, product.id):
            rule = f"must be {VARIANT.format(product.id)} or absent without options"
            raise InvalidArgument(f"variants.0.id: {rule}", fields=[Violation(("variants", 0, "id"), rule)])
        return self._variant(product.id, product, 0, declared)

    def _variant(self, variant_id: UUID, product: Product, position: int, declared: Declared) -> Variant:
        product.require_currency(declared.terms.price, "variants", position, "price")
        return Variant(variant_id, product.id, position, declared.options, declared.terms)

    def _key(self, options: Sequence[OptionValue]) -> tuple[str, ...]:
        """Identifies a combination; if the names are those of the declaration, in its order."""
        values = {option_identity(option.name): option_identity(option.value) for option in options}
        names = [option_identity(option.name) for option in self.options]
        return (
            tuple(values[name] for name in names) if values.keys() == set(names) else tuple(values.values())
        )

    def _check_unique(self) -> None:
        keys = [self._key(variant.options) for variant in self.variants]
        if same := _repeats(keys, "options"):
            raise DuplicateOptions(describe(same), fields=same)
        ids = [variant.id or index for index, variant in enumerate(self.variants)]
        if same := _repeats(ids, "id"):
            raise InvalidArgument(describe(same), fields=same)
        skus = [sku_identity(v.terms.sku) or index for index, v in enumerate(self.variants)]
        if same := _repeats(skus, "sku"):
            raise SkuTaken(describe(same), fields=same)


def _options(reader: FieldReader, options: Sequence[ProductOption]) -> tuple[ProductOption, ...]:
    reader.require(len(options) <= _MAX_OPTIONS, f"must have at most {_MAX_OPTIONS}", "options")
    named = []
    for index, option in enumerate(options[:_MAX_OPTIONS]):
        path = ("options", index)
        count = 1 <= len(option.values) <= _MAX_VALUES
        reader.require(count, f"must have between 1 and {_MAX_VALUES}", *path, "values")
        values = [
            reader.name(value, *path, "values", place, max_length=_MAX_VALUE)
            for place, value in enumerate(option.values[:_MAX_VALUES])
        ]
        name = reader.name(option.name, *path, "name", max_length=_MAX_NAME)
        named.append(ProductOption(name, tuple(values)))
    return tuple(named)


def _check_differ(options: Sequence[ProductOption]) -> None:
    same = [
        Violation(("options", index, "name"), "must differ from the other options")
        for index in _repeated([option_identity(option.name) for option in options])
    ]
    for index, option in enumerate(options):
        same += [
            Violation(("options", index, "values", place), "must differ from the other values")
            for place in _repeated([option_identity(value) for value in option.values])
        ]
    if same:
        raise DuplicateOptions(fields=same)


def _with_options_in_order(
    options: Sequence[ProductOption], variants: Sequence[Declared]
) -> tuple[Declared, ...]:
    """The variants with names and values as the options spell them; raises OptionsMismatch."""
    spellings = {
        option_identity(option.name): {option_identity(value): value for value in option.values}
        for option in options
    }
    ordered, wrong = [], []
    for index, variant in enumerate(variants):
        if rule := _mismatch(options, spellings, variant.options):
            wrong.append(Violation(("variants", index, "options"), rule))
        else:
            chosen = _spelled(options, spellings, variant.options)
            ordered.append(Declared(variant.id, chosen, variant.terms, variant.stock))
    if wrong:
        raise OptionsMismatch(describe(wrong), fields=wrong)
    return tuple(ordered)


def _mismatch(
    options: Sequence[ProductOption],
    spellings: Mapping[str, Mapping[str, str]],
    given: Sequence[OptionValue],
) -> str:
    """The rules that a variant's options break; empty if they name each option once, with one of its values."""
    names = [option_identity(option.name) for option in given]
    rules = []
    for option, name in zip(given, names, strict=True):
        if name not in spellings:
            rules.append(f"the product has no option {option.name[:_MAX_NAME]}")
        elif option_identity(option.value) not in spellings[name]:
            rules.append(f"{option.name[:_MAX_NAME]} has no value {option.value[:_MAX_VALUE]}")
    counts = [names.count(option_identity(option.name)) for option in options]
    rules += [
        f"must name {option.name} once" for option, count in zip(options, counts, strict=True) if count > 1
    ]
    if absent := [option.name for option, count in zip(options, counts, strict=True) if not count]:
        rules.append(f"must name {' and '.join(absent)}")
    return "; ".join(rules)


def _spelled(
    options: Sequence[ProductOption],
    spellings: Mapping[str, Mapping[str, str]],
    given: Sequence[OptionValue],
) -> tuple[OptionValue, ...]:
    values = {option_identity(option.name): option_identity(option.value) for option in given}
    return tuple(
        OptionValue(option.name, spellings[name][values[name]])
        for option in options
        for name in [option_identity(option.name)]
    )


def _repeats(keys: Sequence[object], field: str) -> list[Violation]:
    """The variants whose key an earlier one has."""
    return [
        Violation(("variants", index, field), f"must differ from variants.{keys.index(keys[index])}.{field}")
        for index in _repeated(keys)
    ]


def _repeated(keys: Sequence[object]) -> list[int]:
    """The places of keys that came before."""
    first: dict[object, int] = {}
    return [place for place, key in enumerate(keys) if first.setdefault(key, place) != place]
