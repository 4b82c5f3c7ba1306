"""The rules for a declaration of options and variants."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.options import OptionValue, ProductOption
from catalog.products.errors import SkuTaken
from catalog.variant_changes.declaration import Declaration, Declared
from catalog.variant_changes.errors import DuplicateOptions, OptionsMismatch, TooManyVariants
from catalog.variants.domain import Terms
from kit.errors import InvalidArgument, SoukError
from kit.values import VARIANT, Money

SIZE, COLOR = ProductOption("Size", ("S", "M")), ProductOption("Color", ("red", "blue"))
TERMS = Terms(Money(1000, "USD"))
Path = tuple[str | int, ...]


def variant(**options: str) -> Declared:
    return Declared(None, tuple(OptionValue(*option) for option in options.items()), TERMS, None)


def rejection(options: Sequence[ProductOption], *variants: Declared) -> SoukError:
    with pytest.raises(SoukError) as error:
        Declaration.parse(options, variants)
    return error.value


def paths(error: SoukError) -> list[Path]:
    return [violation.path for violation in error.fields]


def test_variants_have_the_options_in_their_order_and_spelling() -> None:
    declaration = Declaration.parse([SIZE, COLOR], [variant(color="RED", SIZE="m")])
    assert declaration.variants[0].options == (OptionValue("Size", "M"), OptionValue("Color", "red"))


def test_values_that_no_variant_has_are_kept() -> None:
    assert Declaration.parse([SIZE, COLOR], [variant(Size="S", Color="red")]).options == (SIZE, COLOR)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: variant(Size="S"),
        lambda: variant(),
        lambda: variant(Size="S", Color="green"),
        lambda: variant(Size="S", Colour="red"),
        lambda: variant(Size="S", Color="red", Length="32"),
    ],
)
def test_a_variant_names_each_option_once_with_a_declared_value(wrong: Callable[[], Declared]) -> None:
    error = rejection([SIZE, COLOR], variant(Size="S", Color="red"), wrong())
    assert isinstance(error, OptionsMismatch)
    assert paths(error) == [("variants", 1, "options")]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (variant(Size="S"), "must name Color"),
        (variant(), "must name Size and Color"),
        (variant(Size="S", Color="green"), "Color has no value green"),
        (variant(Size="S", Color="red", Length="32"), "the product has no option Length"),
        (variant(Size="S", Colour="red"), "the product has no option Colour; must name Color"),
    ],
)
def test_the_option_or_value_that_is_wrong_is_named(wrong: Declared, rule: str) -> None:
    [violation] = rejection([SIZE, COLOR], wrong).fields
    assert violation.message == rule


def test_a_variant_does_not_name_an_option_twice() -> None:
    twice = Declared(None, (OptionValue("Size", "S"), OptionValue("size", "M")), TERMS, None)
    error = rejection([SIZE, COLOR], twice)
    assert isinstance(error, OptionsMismatch)
    assert error.fields[0].message == "must name Size once; must name Color"


def test_options_without_a_product_having_any_are_a_mismatch() -> None:
    assert isinstance(rejection([], variant(Size="S")), OptionsMismatch)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ([SIZE, ProductOption("size", ("1",))], ("options", 1, "name")),
        ([ProductOption("Size", ("S", "M", " s"))], ("options", 0, "values", 2)),
    ],
)
def test_options_and_their_values_differ(options: Sequence[ProductOption], path: Path) -> None:
    error = rejection(options, variant(Size="S"))
    assert isinstance(error, DuplicateOptions)
    assert paths(error) == [path]


def test_variants_differ_in_options_ids_and_skus() -> None:
    error = rejection([SIZE], variant(Size="S"), variant(Size="M"), variant(Size="s"))
    assert isinstance(error, DuplicateOptions)
    assert paths(error) == [("variants", 2, "options")]
    one = VARIANT.new()
    small, medium = variant(Size="S").options, variant(Size="M").options
    error = rejection([SIZE], Declared(one, small, TERMS, None), Declared(one, medium, TERMS, None))
    assert paths(error) == [("variants", 1, "id")]
    first, second = Terms(TERMS.price, sku="A-1"), Terms(TERMS.price, sku="a\u20111")
    error = rejection([SIZE], Declared(None, small, first, None), Declared(None, medium, second, None))
    assert isinstance(error, SkuTaken)
    assert paths(error) == [("variants", 1, "sku")]
    assert error.message == "variants.1.sku: must differ from variants.0.sku"
    assert error.fields[0].message == "must differ from variants.0.sku"


@pytest.mark.parametrize(
    ("options", "variants", "path"),
    [
        ([], [], ("variants",)),
        ([], [variant(), variant()], ("variants",)),
        ([SIZE], [], ("variants",)),
        ([ProductOption(f"O{n}", ("1",)) for n in range(4)], [variant()], ("options",)),
        ([ProductOption("Size", ())], [variant()], ("options", 0, "values")),
        ([ProductOption("Size", tuple(map(str, range(101))))], [variant()], ("options", 0, "values")),
        ([ProductOption("", ("S",))], [variant()], ("options", 0, "name")),
        ([ProductOption("x" * 51, ("S",))], [variant()], ("options", 0, "name")),
        ([ProductOption("Size", ("x" * 101,))], [variant()], ("options", 0, "values", 0)),
        ([ProductOption("Size", ("\u200b",))], [variant()], ("options", 0, "values", 0)),
        ([], [Declared(None, (), TERMS, -1)], ("variants", 0, "stock")),
        ([], [Declared(VARIANT.new(), (), TERMS, -1)], ("variants", 0, "stock")),
    ],
)
def test_what_is_malformed_is_named(
    options: Sequence[ProductOption], variants: Sequence[Declared], path: Path
) -> None:
    error = rejection(options, *variants)
    assert isinstance(error, InvalidArgument)
    assert path in paths(error)


def test_a_product_has_at_most_2048_variants() -> None:
    options = [ProductOption(name, tuple(map(str, range(100)))) for name in ("A", "B")]
    variants = [variant(A=str(n // 100), B=str(n % 100)) for n in range(2049)]
    assert len(Declaration.parse(options, variants[:2048]).variants) == 2048
    assert isinstance(rejection(options, *variants), TooManyVariants)


@given(st.sets(st.tuples(st.sampled_from("ABCDE"), st.sampled_from("12345")), min_size=1))
def test_any_subset_of_the_combinations_can_be_declared(subset: set[tuple[str, str]]) -> None:
    options = [ProductOption("Letter", tuple("ABCDE")), ProductOption("Digit", tuple("12345"))]
    variants = [variant(Letter=letter, Digit=digit) for letter, digit in subset]
    declaration = Declaration.parse(options, variants)
    assert {tuple(o.value for o in declared.options) for declared in declaration.variants} == subset
