"""Which seeded products come in variants."""

from dev.catalogue import articles
from dev.variants import variants_request
from kit.values import PRODUCT, VARIANT

ARTICLES = articles(200)
PRODUCT_ID = PRODUCT.new()


def test_every_variant_has_a_value_of_each_option_and_the_first_keeps_the_products_id() -> None:
    requests = [variants_request(article, PRODUCT.format(PRODUCT_ID)) for article in ARTICLES]
    declared = [request for request in requests if request is not None]
    assert len(declared) > 20
    for request in declared:
        values = [[(value.name, value.value) for value in variant.options] for variant in request.variants]
        assert len({tuple(chosen) for chosen in values}) == len(values) > 1
        names = [option.name for option in request.options]
        assert all([name for name, _ in chosen] == names for chosen in values)
        assert [variant.id for variant in request.variants if variant.id] == [VARIANT.format(PRODUCT_ID)]


def test_the_first_variant_keeps_the_sku_by_which_the_next_start_finds_its_product() -> None:
    for article in ARTICLES:
        request = variants_request(article, PRODUCT.format(PRODUCT_ID))
        skus = [variant.sku for variant in request.variants] if request else [article.sku]
        assert (skus[0], len(set(skus))) == (article.sku, len(skus))


def test_products_without_sizes_or_colours_and_those_made_to_order_are_sold_as_they_are() -> None:
    simple = {
        article.category
        for article in ARTICLES
        if variants_request(article, PRODUCT.format(PRODUCT_ID)) is None and article.stock
    }
    assert "Tea" in simple
    assert "Shoes" not in simple
    untracked = [article for article in ARTICLES if article.stock is None]
    assert [variants_request(article, PRODUCT.format(PRODUCT_ID)) for article in untracked] == [None] * len(
        untracked
    )
