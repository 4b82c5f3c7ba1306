/** The cart, with what changed since it was filled. */
import { useEffect } from 'preact/hooks';
import { request } from '../api';
import { problem } from '../errors';
import { money, optionWords } from '../format';
import { Failure, Heading, Picture, Totals, useAction } from '../parts';
import { Link } from '../router';
import { useStore } from '../store';
import type { Cart, CartLine, CartWarning } from '../types';

// Filled in at checkout, so that they are no problem here.
const AT_CHECKOUT = new Set(['CONTACT_MISSING', 'ADDRESS_MISSING', 'METHOD_MISSING', 'EMPTY']);

export function CartPage() {
  const { cart, loadCart } = useStore();
  const { failure, run } = useAction();
  useEffect(() => void run(loadCart), []);
  const problems = cart?.problems.filter(({ code }) => !AT_CHECKOUT.has(code)) ?? [];
  return (
    <main class="page">
      <Heading>Your cart</Heading>
      <Failure text={failure} />
      {!cart?.lines.length ? (
        <p>Your cart is empty. <Link to="/">Look around</Link></p>
      ) : (
        <div class="with-summary">
          <ul class="lines">{cart.lines.map((line) => <Line key={line.id} line={line} cart={cart} />)}</ul>
          <section aria-label="Summary" class="summary">
            <Totals currency={cart.currency} subtotal={cart.subtotal} shipping={cart.shippingPrice} taxes={cart.taxes} taxIncluded={cart.taxIncluded} total={cart.total} />
            {problems.map(({ code }) => <p key={code} class="failure">{problem(code)}</p>)}
            {problems.length ? null : <Link to="/checkout" class="button">Go to checkout</Link>}
          </section>
        </div>
      )}
    </main>
  );
}

function Line({ line, cart }: { line: CartLine; cart: Cart }) {
  const { setCart } = useStore();
  const { busy, failure, run } = useAction();
  const set = (quantity: number): Promise<void> =>
    run(async () => setCart((await request<{ setCartLine: Cart }>('SetCartLine', { id: line.id, quantity })).setCartLine));
  const name = line.variant?.product?.name ?? 'A product that is not sold any more';
  return (
    <li>
      <Picture images={line.variant?.product?.images ?? []} />
      <div>
        <strong>{line.variant?.product ? <Link to={`/products/${line.variant.product.id}`}>{name}</Link> : name}</strong>
        {line.variant && line.variant.options.length > 0 && <div>{optionWords(line.variant.options)}</div>}
        <div>{money(line.unitPrice, cart.currency)} each</div>
        {cart.warnings.filter(({ lineId }) => lineId === line.id).map((warning) => <p key={warning.code} class="warning">{warned(warning, cart.currency)}</p>)}
        <div class="bar">
          <label class="quantity">
            Quantity <input type="number" min={1} max={10000} value={line.quantity} disabled={busy} aria-label={`Quantity of ${name}`} onChange={({ currentTarget }) => currentTarget.reportValidity() && void set(currentTarget.valueAsNumber)} />
          </label>
          <button type="button" class="second" disabled={busy} aria-label={`Remove ${name}`} onClick={() => void set(0)}>Remove</button>
        </div>
        <Failure text={failure} />
      </div>
      <div class="amount">{money(line.total, cart.currency)}</div>
    </li>
  );
}

function warned({ code, before, now, available }: CartWarning, currency: string | null): string {
  switch (code) {
    case 'PRICE_ROSE': return `The price has risen from ${money(before, currency)} to ${money(now, currency)}.`;
    case 'PRICE_FELL': return `The price has fallen from ${money(before, currency)} to ${money(now, currency)}.`;
    case 'LESS_IN_STOCK': return `Only ${available ?? 0} left. Reduce the quantity.`;
    case 'OUT_OF_STOCK': return 'Sold out. Remove it, or wait until it is back.';
    case 'GONE': return 'Not sold any more. Remove it.';
    default: return `Something changed (${code}).`;
  }
}
