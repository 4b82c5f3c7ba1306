/** What the operations answer: the fields that operations.graphql asks for. Amounts are decimals in strings. */

export interface OptionValue { name: string; value: string }
export interface Category { slug: string; name: string }

export interface Shop {
  publishableKey: string | null;
  pricesIncludeTax: boolean;
  deliveryCountries: string[];
  currencies: string[];
}

export interface ProductCard {
  id: string;
  name: string;
  price: string;
  priceMax: string;
  currency: string;
  images: string[];
  available: boolean;
  category: Category | null;
}

export interface Variant {
  id: string;
  sku: string | null;
  price: string;
  compareAtPrice: string | null;
  available: boolean;
  maxPerOrder: number | null;
  options: OptionValue[];
}

export interface Page<Node> { nodes: Node[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } }

export interface Product extends ProductCard {
  description: string;
  options: { name: string; values: string[] }[];
  variants: Page<Variant> | null;
}

export interface Facet { name: string; values: { value: string; count: number }[] }
export interface SearchResult extends Page<ProductCard> { totalCount: number | null; facets: Facet[] | null }

export interface Address {
  name: string;
  line1: string;
  line2: string | null;
  city: string;
  region: string | null;
  postalCode: string;
  countryCode: string;
}

export interface Tax { name: string; rate: string; amount: string }

export interface ShippingQuote {
  methodId: string;
  name: string;
  minDays: number | null;
  maxDays: number | null;
  price: string | null;
  reason: string | null;
}

export interface CartLine {
  id: string;
  quantity: number;
  unitPrice: string | null;
  seenPrice: string;
  total: string | null;
  variant: (Variant & { product: { id: string; name: string; images: string[]; category: Category | null } | null }) | null;
}

export interface CartWarning { code: string; lineId: string | null; before: string | null; now: string | null; available: number | null }
export interface CartProblem { code: string; path: string[] }

export interface Cart {
  id: string;
  version: number;
  currency: string | null;
  subtotal: string | null;
  shippingPrice: string | null;
  taxTotal: string | null;
  taxIncluded: boolean;
  total: string | null;
  lines: CartLine[];
  taxes: Tax[];
  shippingAddress: Address | null;
  shippingMethods: ShippingQuote[];
  shippingMethodId: string | null;
  problems: CartProblem[];
  warnings: CartWarning[];
}

export interface Payment {
  status: 'PROCESSING' | 'REQUIRES_ACTION' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'PARTIALLY_REFUNDED' | 'REFUNDED';
  failureCode: string | null;
  payBefore: string | null;
  clientSecret: string | null;
  nextActionUrl: string | null;
}

export interface OrderSummary {
  id: string;
  number: string;
  status: 'PENDING' | 'CONFIRMED' | 'SHIPPED' | 'DELIVERED' | 'CANCELLED';
  totalPrice: string;
  currency: string;
  createdAt: string;
}

export interface Order extends OrderSummary {
  cancelReason: string | null;
  version: number;
  subtotal: string;
  taxTotal: string;
  taxIncluded: boolean;
  refundedAmount: string;
  shipping: { name: string; tax: string; total: string } | null;
  taxes: Tax[];
  lines: { productId: string; variantId: string; name: string; sku: string | null; options: OptionValue[]; quantity: number; unitPrice: string; total: string }[];
  shippingAddress: Address | null;
  history: { status: OrderSummary['status']; at: string; note: string | null }[];
  payment: Payment | null;
}

export interface Account { id: string; name: string; email: string; guest: boolean }
export interface Me extends Account { phone: string | null; addresses?: { id: string; defaultShipping: boolean; address: Address }[] | null }

export interface Session {
  accessToken: string;
  refreshToken: string | null;
  deviceToken: string | null;
  account: Account;
}
