"""Operations with variables, for tests of their values."""

from kit.values import PRODUCT

PRODUCT_ID = PRODUCT.format(PRODUCT.new())
SEARCH = "query($f: ProductFilter, $n: Int) { products(filter: $f, first: $n) { nodes { id } } }"
CREATE = "mutation($i: CreateProductInput!) { createProduct(input: $i) { id } }"
PLACE = "mutation($i: CreateOrderInput!) { createOrder(input: $i) { id } }"
