"""The GraphQL documents of the shop's client."""

REGISTER = """
mutation Register($input: RegisterInput!) {
  register(input: $input) { account { id name email } accessToken }
}
"""
LOGIN = "mutation Login($input: LoginInput!) { login(input: $input) { account { id } accessToken } }"
CREATE_PRODUCT = """
mutation CreateProduct($input: CreateProductInput!) { createProduct(input: $input) { id name price stock available } }
"""
PRODUCT = "query Product($id: ID!) { product(id: $id) { id name price stock available } }"
SEARCH = "query Search($query: String!) { products(query: $query, first: 20) { nodes { id name } } }"
CREATE_ORDER = """
mutation CreateOrder($input: CreateOrderInput!) {
  createOrder(input: $input) { id totalPrice status accountId lines { productId quantity unitPrice } }
}
"""
ORDER = """
query Order($id: ID!) {
  order(id: $id) {
    id status totalPrice refundedAmount cancelReason statusReason version
    history { status at }
    payment { id status amount failureCode }
  }
}
"""
CANCEL_ORDER = """
mutation Cancel($id: ID!, $reason: String) {
  cancelOrder(id: $id, reason: $reason) { id status cancelReason statusReason }
}
"""
UPDATE_ORDER_STATUS = """
mutation UpdateStatus($id: ID!, $status: OrderStatus!, $note: String, $internalNote: String) {
  updateOrderStatus(id: $id, status: $status, note: $note, internalNote: $internalNote) {
    id status history { status note internalNote }
  }
}
"""
REFUND_PAYMENT = """
mutation Refund($paymentId: ID!, $amount: Decimal, $reason: String, $key: String!) {
  refundPayment(paymentId: $paymentId, amount: $amount, reason: $reason, idempotencyKey: $key) {
    id status refundedAmount refunds { amount status reason }
  }
}
"""
ADJUST_STOCK = """
mutation Adjust($id: ID!, $delta: Int!, $key: String!) {
  adjustStock(productId: $id, delta: $delta, reason: "counted", idempotencyKey: $key) { id stock available }
}
"""
SET_STOCK = """
mutation Set($id: ID!, $stock: Int, $expected: Int) {
  setStock(productId: $id, stock: $stock, expected: $expected) { id stock available }
}
"""
ORDER_UPDATED = "subscription Updated($id: ID!) { orderUpdated(id: $id) { id status version } }"
START_GUEST = "mutation { startGuest { account { id } accessToken } }"
