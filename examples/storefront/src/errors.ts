/** Errors of the API in words, each with what to do. */

export interface GraphQLError {
  message: string;
  path?: (string | number)[];
  extensions?: {
    code?: string;
    reason?: string;
    retryAfter?: number;
    correlationId?: string;
    fields?: { path: string[]; message: string }[];
    [detail: string]: unknown;
  };
}

/** The API rejected a request, or could not be reached. */
export class ApiError extends Error {
  constructor(readonly error: GraphQLError) {
    super(words(error));
  }

  get code(): string {
    return this.error.extensions?.code ?? 'INTERNAL';
  }

  get reason(): string {
    return this.error.extensions?.reason ?? this.code;
  }

  /** Whether the request may have had its effect. */
  get unanswered(): boolean {
    return ['SERVICE_UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL'].includes(this.code);
  }

  /** What is wrong with each rejected field, by the field's last name. */
  get fields(): Record<string, string> {
    const names = this.error.extensions?.fields?.map(({ path }) => String(path.at(-1))) ?? [];
    return Object.fromEntries(names.map((name) => [name, BY_FIELD[name] ?? 'This is not accepted. Check it.']));
  }

  /** Whether what the address of the page names cannot exist. */
  get unknown(): boolean {
    return this.code === 'NOT_FOUND' || 'id' in this.fields;
  }
}

const BY_FIELD: Record<string, string> = {
  password: 'Use 8 to 72 characters.',
  newPassword: 'Use 8 to 72 characters.',
  email: 'Write it like name@example.com.',
  number: 'An order number has digits only, such as 1001.',
  postalCode: 'This is not a postal code of the country.',
  region: 'Write the region as its code, for example CA for California.',
  quantity: 'Use a whole number from 1 to 10,000.',
  token: 'This link is not complete. Open it from the mail again.',
};
const BY_REASON: Record<string, string> = {
  OUT_OF_STOCK: 'There is not enough in stock. Reduce the quantity, or choose something else.',
  PRICE_CHANGED: 'A price has changed. Check the new total, then order again.',
  CART_CHANGED: 'Your cart has changed in another window. Check it, then order again.',
  CART_EMPTY: 'Your cart is empty.',
  CART_INCOMPLETE: 'Something is missing. Check the fields that are marked.',
  SHIPPING_METHOD_REQUIRED: 'Choose how we should deliver.',
  NOT_DELIVERED_THERE: 'We do not deliver to this address. Choose another one.',
  VARIANT_REQUIRED: 'Choose one of the options first.',
  MIXED_CURRENCY: 'Your cart has prices in another currency. Order those first.',
  BAD_CREDENTIALS: 'The email address or the password is wrong.',
  EMAIL_TAKEN: 'There is an account with this email address. Sign in, or use another address.',
  ADDRESS_REQUIRED: 'The delivery address is missing.',
  REGION_UNKNOWN: 'Write the region as its code, for example CA for California.',
  TOTAL_OUT_OF_RANGE: 'The total is too small or too large to be paid by card.',
  TOO_MANY_CART_LINES: 'The cart is full: it holds 100 different products.',
  TOO_MANY_PENDING_ORDERS: 'You have orders that are not paid yet. Pay or cancel them first.',
  TOO_MANY_FAILED_PAYMENTS: 'Too many payments have failed. Try again in an hour.',
  TOO_MANY_UNITS: 'An order may have fewer of this. Reduce the quantity.',
  ORDER_STATE: 'The order has changed since this page was loaded. Load it again.',
  LOGIN_THROTTLED: 'Too many wrong passwords. Wait a few minutes, or set a new password.',
  PASSWORDS_BUSY: 'Many people are signing in at the moment. Try again in a few seconds.',
  PAYMENT_NOT_READY: 'The payment is not ready yet. Try again in a moment.',
  RATE_LIMITED: 'That was too often. Wait a moment, then try again.',
  LINK_INVALID: 'This link has expired or was used. Ask for a new one with your order number.',
  NETWORK: 'The shop cannot be reached. Check your connection, then try again.',
};
const BY_CODE: Record<string, string> = {
  UNAUTHENTICATED: 'Your session has ended. Sign in again.',
  FORBIDDEN: 'You may not do that.',
  NOT_FOUND: 'This does not exist any more.',
  SERVICE_UNAVAILABLE: 'A part of the shop is unavailable. Nothing was lost; try again in a moment.',
  DEADLINE_EXCEEDED: 'That took too long. Try again in a moment.',
  RATE_LIMITED: 'That was too often. Wait a moment, then try again.',
};

function words({ extensions = {} }: GraphQLError): string {
  const { code = 'INTERNAL', reason = code, fields, retryAfter, correlationId } = extensions;
  if (reason === 'RATE_LIMITED' && retryAfter) return `That was too often. Try again in ${Math.ceil(retryAfter)} seconds.`;
  const known = BY_REASON[reason] ?? BY_CODE[code];
  if (known) return known;
  if (fields?.length) return 'Something is not accepted. Check what you entered.';
  return `Something went wrong on our side. If it happens again, tell us this number: ${correlationId ?? 'unknown'}.`;
}

const DECLINES: Record<string, string> = {
  insufficient_funds: 'The card has not enough money on it. Nothing was charged. Try another card.',
  card_velocity_exceeded: 'The card has reached its limit. Nothing was charged. Try another card.',
  authentication_required: 'Your bank could not confirm that it was you. Nothing was charged. Try again, or use another card.',
  payment_intent_authentication_failure: 'Your bank could not confirm that it was you. Nothing was charged. Try again, or use another card.',
  processing_error: 'The bank could not be reached. Nothing was charged. Try again.',
  incorrect_number: 'There is no card with this number. Check its digits.',
  invalid_number: 'There is no card with this number. Check its digits.',
  expired_card: 'The card has expired. Use another card.',
  invalid_expiry_month: 'The expiry date is wrong. Check the month on the card.',
  invalid_expiry_year: 'The expiry date is wrong. Check the year on the card.',
  incorrect_cvc: 'The security code is wrong. Check the three or four digits on the card.',
  invalid_cvc: 'The security code is wrong. Check the three or four digits on the card.',
  card_not_supported: 'The card cannot be used here. Nothing was charged. Try another card.',
  currency_not_supported: 'The card cannot be used in this currency. Nothing was charged. Try another card.',
  payment_intent_unexpected_state: 'This payment has ended already. Load the page again.',
};

/** A declined payment in words. The provider asks shops not to tell a lost or stolen card from any other. */
export function declined(code: string): string {
  return DECLINES[code] ?? 'Your bank declined the card. Nothing was charged. Try another card.';
}

const PROBLEMS: Record<string, string> = {
  EMPTY: 'Your cart is empty.',
  CONTACT_MISSING: 'Your name and email address are missing.',
  ADDRESS_MISSING: 'The delivery address is missing.',
  METHOD_MISSING: 'Choose how we should deliver.',
  METHOD_GONE: 'The delivery that you chose does not go to this address, or is not offered any more. Choose another one.',
  NOT_DELIVERED_THERE: 'We do not deliver to this address.',
  REGION_UNKNOWN: 'Write the region as its code, for example CA for California.',
  LINE_GONE: 'One of the products is not sold any more. Remove it.',
  LINE_SHORT: 'There is less in stock than you want. Reduce the quantity.',
  LINE_OVER_LIMIT: 'An order may have fewer of this. Reduce the quantity.',
  MIXED_CURRENCY: 'Your cart has prices in different currencies.',
  TOTAL_OUT_OF_RANGE: 'The total is too small or too large to be paid by card.',
  UNADDRESSED: 'Enter your address, then press Continue.',
  UNSAVED: 'You have changed the address. Save it first.',
  PRICES_UNAVAILABLE: 'Prices cannot be read at the moment. Try again soon.',
};

/** What prevents checkout, in words. */
export function problem(code: string): string {
  return PROBLEMS[code] ?? `The order cannot be placed yet (${code}).`;
}
