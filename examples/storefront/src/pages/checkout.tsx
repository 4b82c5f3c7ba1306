/** Contact, address and delivery on one page; then the order exists, and its page takes the card. */
import { useEffect, useState } from 'preact/hooks';
import { request } from '../api';
import { ApiError, problem } from '../errors';
import { country, money } from '../format';
import { Failure, Field, Heading, Totals, useAction, useCountries, useLoaded } from '../parts';
import { Link, open } from '../router';
import { useStore } from '../store';
import type { Cart, Me, Order, ShippingQuote } from '../types';

const EMPTY = { name: '', email: '', phone: '', line1: '', line2: '', city: '', region: '', postalCode: '', countryCode: '' };
type Form = typeof EMPTY;

export function CheckoutPage() {
  const { cart, account, setCart, loadCart } = useStore();
  const countries = useCountries();
  const { data } = useLoaded(account?.id ?? '', async () => (account ? (await request<{ me: Me | null }>('Me')).me : null));
  const [form, setForm] = useState<Form>({ ...EMPTY, countryCode: countries[0] ?? '' });
  const { busy, failure, fields, run } = useAction();
  const place = useAction();

  useEffect(() => {
    const saved = cart?.shippingAddress ?? data?.addresses?.find(({ defaultShipping }) => defaultShipping)?.address;
    const known = Object.fromEntries(Object.entries({ ...saved, name: saved?.name || data?.name, email: data?.email, phone: data?.phone }).filter(([, value]) => value));
    setForm((present) => ({ ...present, ...known }));
  }, [data?.id]);

  if (!cart?.lines.length) return <main class="page"><Heading>Checkout</Heading><p>Your cart is empty. <Link to="/">Look around</Link></p></main>;

  const update = (input: object): Promise<void> => run(async () => setCart((await request<{ updateCart: Cart }>('UpdateCart', { input })).updateCart));
  const save = (event: Event): void => {
    event.preventDefault();
    const { name, email, phone, line2, region, ...rest } = form;
    const shippingAddress = { name, line2: line2 || null, region: region || null, ...rest };
    const contact = account?.guest ? { contact: { name, email, phone: phone || null } } : {};
    void update({ shippingAddress, ...contact });
  };
  const order = (): Promise<void> =>
    place.run(async () => {
      const input = { cartId: cart.id, version: cart.version, expectedTotal: cart.total, confirmation: 'CLIENT' };
      try {
        const { checkout } = await request<{ checkout: Order }>('Checkout', { input });
        setCart(null);
        open(`/orders/${checkout.id}`, { replace: true });
      } catch (error) {
        // Prices, stock or the cart changed: show the cart as it is now beside the message. Without an answer the order may exist: the cart
        // stays as it was shown, so that ordering again returns that order.
        if (error instanceof ApiError && !error.unanswered) await loadCart();
        throw error;
      }
    });
  const field = (name: keyof Form): object => ({
    value: form[name],
    error: fields[name],
    onInput: ({ currentTarget }: { currentTarget: HTMLInputElement }) => setForm({ ...form, [name]: currentTarget.value }),
  });
  const addressed = cart.shippingAddress !== null && !cart.problems.some(({ code }) => code === 'CONTACT_MISSING');
  return (
    <main class="page">
      <Heading>Checkout</Heading>
      {account?.guest && <p>You order as a guest. <Link to="/sign-in">I have an account</Link></p>}
      <div class="with-summary">
        <div>
          <form onSubmit={save} class="box" aria-label="Address">
            <h2>Where should it go?</h2>
            <Field label="Name" autocomplete="name" required {...field('name')} />
            {account?.guest && <Field label="Email" type="email" autocomplete="email" required hint="For the confirmation and the link to your order." {...field('email')} />}
            <Field label="Street and number" autocomplete="address-line1" required {...field('line1')} />
            <Field label="Additional line" autocomplete="address-line2" {...field('line2')} />
            <div class="pair">
              <Field label="Postal code" autocomplete="postal-code" required {...field('postalCode')} />
              <Field label="City" autocomplete="address-level2" required {...field('city')} />
            </div>
            <div class="pair">
              <Field label="Region or state" autocomplete="address-level1" {...field('region')} />
              <div class="field">
                <label for="country">Country</label>
                <select id="country" autocomplete="country" value={form.countryCode} onChange={({ currentTarget }) => setForm({ ...form, countryCode: currentTarget.value })}>
                  {countries.map((code) => <option key={code} value={code}>{country(code)}</option>)}
                </select>
              </div>
            </div>
            <Failure text={failure} />
            <button class={addressed ? 'second' : ''} disabled={busy}>{addressed ? 'Change the address' : 'Continue'}</button>
          </form>
          {addressed && <Methods cart={cart} busy={busy} choose={(id) => void update({ shippingMethodId: id })} />}
        </div>
        <section aria-label="Summary" class="summary">
          <Totals currency={cart.currency} subtotal={cart.subtotal} shipping={cart.shippingPrice} taxes={cart.taxes} taxIncluded={cart.taxIncluded} total={cart.total} />
          {addressed && cart.problems.map(({ code }) => <p key={code} class="failure">{problem(code)}</p>)}
          <Failure text={place.failure} />
          <button disabled={place.busy || busy || cart.problems.length > 0} onClick={() => void order()}>Order for {money(cart.total, cart.currency)}</button>
          <p><small>You pay by card on the next page.</small></p>
        </section>
      </div>
    </main>
  );
}

function Methods({ cart, busy, choose }: { cart: Cart; busy: boolean; choose: (id: string) => void }) {
  return (
    <fieldset class="box">
      <legend>How should it come?</legend>
      {cart.shippingMethods.map((quote) => (
        <label key={quote.methodId} class="check">
          <input type="radio" name="method" disabled={busy || quote.price === null} checked={cart.shippingMethodId === quote.methodId} onChange={() => choose(quote.methodId)} />
          {quote.name}{days(quote)} <span class="amount">{quote.price === null ? notOffered(quote.reason) : money(quote.price, cart.currency)}</span>
        </label>
      ))}
      {cart.shippingMethods.length === 0 && <p>We do not deliver to this address.</p>}
    </fieldset>
  );
}

function days({ minDays, maxDays }: ShippingQuote): string {
  if (maxDays === null) return '';
  return minDays === null || minDays === maxDays ? `, ${maxDays} days` : `, ${minDays}–${maxDays} days`;
}

function notOffered(reason: string | null): string {
  return { NO_RATE: 'not for this order', TOO_HEAVY: 'too heavy' }[reason ?? ''] ?? 'not available';
}
