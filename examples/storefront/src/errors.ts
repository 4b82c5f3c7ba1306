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

  /** The message of each rejected field, by the field's last name. */
  get fields(): Record<string, string> {
    const fields = this.error.extensions?.fields ?? [];
    return Object.fromEntries(fields.map(({ path, message }) => [String(path.at(-1)), message]));
  }
}

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

function words({ message, extensions = {} }: GraphQLError): string {
  const { code = 'INTERNAL', reason = code, fields, retryAfter, correlationId } = extensions;
  if (reason === 'RATE_LIMITED' && retryAfter) return `That was too often. Try again in ${Math.ceil(retryAfter)} seconds.`;
  const known = BY_REASON[reason] ?? BY_CODE[code];
  if (known) return known;
  if (fields?.length) return fields.map((field) => `${field.path.at(-1)}: ${field.message}`).join('. ');
  if (code === 'INTERNAL') return `Something went wrong on our side. If it happens again, tell us this number: ${correlationId ?? 'unknown'}.`;
  return message;
}

const DECLINES: Record<string, string> = {
  card_declined: 'Your bank declined the card. Nothing was charged. Try another card.',
  insufficient_funds: 'The card has not enough money on it. Nothing was charged. Try another card.',
  authentication_required: 'Your bank could not confirm that it was you. Nothing was charged. Try again, or use another card.',
  processing_error: 'The bank could not be reached. Nothing was charged. Try again.',
  expired_card: 'The card has expired. Use another card.',
  incorrect_cvc: 'The security code is wrong. Check the three digits on the back.',
};

/** A declined payment in words. */
export function declined(code: string): string {
  return DECLINES[code] ?? 'The payment did not succeed. Nothing was charged. Try another card.';
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
