/** Contact, address and delivery on one page; then the order exists, and its page takes the card. */
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { request } from '../api';
import { ApiError, problem } from '../errors';
import { country, money } from '../format';
import { Failure, Field, Heading, Loading, Totals, useAction, useCountries, useLoaded } from '../parts';
import { Link, open } from '../router';
import { useStore } from '../store';
import type { Address, Cart, Me, Order, ShippingQuote } from '../types';

const EMPTY = { name: '', line1: '', line2: '', city: '', region: '', postalCode: '', countryCode: '' };
type Form = typeof EMPTY;

export function CheckoutPage() {
  const { cart, account, loadCart } = useStore();
  const { data, failure } = useLoaded(account?.id ?? '', async () => {
    const answer = account ? await request<{ me: Me | null }>('Me', { guest: account.guest }) : { me: null };
    await loadCart();
    return answer;
  });
  if (failure) return <main class="page"><Heading>Checkout</Heading><Failure text={failure} /></main>;
  if (!data) return <Loading />;
  if (!cart?.lines.length) return <main class="page"><Heading>Checkout</Heading><p>Your cart is empty. <Link to="/">Look around</Link></p></main>;
  return <Checkout key={cart.id} cart={cart} me={data.me} />;
}

function Checkout({ cart, me }: { cart: Cart; me: Me | null }) {
  const { account, setCart, loadCart } = useStore();
  const countries = useCountries();
  const [form, setForm] = useState<Form>(() => {
    const known = cart.shippingAddress ?? me?.addresses?.find(({ defaultShipping }) => defaultShipping)?.address;
    return known ? formOf(known) : { ...EMPTY, name: me?.name ?? '', countryCode: usualCountry(countries) };
  });
  const [email, setEmail] = useState(me?.email ?? '');
  const [savedEmail, setSavedEmail] = useState(email);
  const { busy, failure, fields, run } = useAction();
  const place = useAction();
  const methods = useRef<HTMLFieldSetElement>(null);
  const [saves, setSaves] = useState(0);
  // On a small screen the next step is below what can be seen.
  useEffect(() => {
    if (saves) methods.current?.focus();
  }, [saves]);

  const update = async (input: object): Promise<Cart> => {
    const { updateCart } = await request<{ updateCart: Cart }>('UpdateCart', { input });
    setCart(updateCart);
    return updateCart;
  };
  const choose = (shippingMethodId: string): Promise<void> => run(async () => void (await update({ shippingMethodId })));
  const save = (event: Event): void => {
    event.preventDefault();
    const shippingAddress = { ...form, line2: form.line2 || null, region: form.region || null };
    const contact = account?.guest ? { contact: { name: form.name, email, phone: me?.phone } } : {};
    void run(async () => {
      const updated = await update({ shippingAddress, ...contact });
      setForm(formOf(updated.shippingAddress!));
      setSavedEmail(email);
      const offered = updated.shippingMethods.filter(({ price }) => price !== null);
      if (offered.length === 1 && !updated.shippingMethodId) await update({ shippingMethodId: offered[0]!.methodId });
      setSaves(saves + 1);
    });
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
  const shown = JSON.stringify(form) === JSON.stringify(cart.shippingAddress && formOf(cart.shippingAddress)) && email === savedEmail;
  const reasons = !addressed ? ['UNADDRESSED'] : shown ? cart.problems.map(({ code }) => code) : ['UNSAVED'];
  return (
    <main class="page">
      <Heading>Checkout</Heading>
      {account?.guest && <p>You order as a guest. <Link to="/sign-in?to=checkout">I have an account</Link></p>}
      <div class="with-summary">
        <div>
          <form onSubmit={save} class="box" aria-label="Address">
            <h2>Where should it go?</h2>
            <Field label="Name" autocomplete="name" required {...field('name')} />
            {account?.guest && <Field label="Email" type="email" autocomplete="email" required hint="For the confirmation and the link to your order." value={email} error={fields.email} onInput={({ currentTarget }) => setEmail(currentTarget.value)} />}
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
          {addressed && <Methods cart={cart} busy={busy} box={methods} choose={(id) => void choose(id)} />}
        </div>
        <section aria-label="Summary" class="summary">
          <Totals currency={cart.currency} subtotal={cart.subtotal} shipping={cart.shippingPrice} taxes={cart.taxes} taxIncluded={cart.taxIncluded} total={cart.total} />
          <div id="reasons">{reasons.map((code) => <p key={code} class="warning">{problem(code)}</p>)}</div>
          <Failure text={place.failure} />
          <button disabled={place.busy || busy || reasons.length > 0} aria-describedby="reasons" onClick={() => void order()}>Order for {money(cart.total, cart.currency)}</button>
          <p><small>You pay by card on the next page.</small></p>
        </section>
      </div>
    </main>
  );
}

/** The address as the form shows it. */
function formOf(address: Address): Form {
  return Object.fromEntries(Object.keys(EMPTY).map((name) => [name, address[name as keyof Form] ?? ''])) as Form;
}

/** The country of the browser's language, if the shop delivers there. */
function usualCountry(countries: string[]): string {
  const region = new Intl.Locale(navigator.language).region ?? '';
  return countries.includes(region) ? region : countries[0] ?? '';
}

function Methods({ cart, busy, box, choose }: { cart: Cart; busy: boolean; box: RefObject<HTMLFieldSetElement | null>; choose: (id: string) => void }) {
  return (
    <fieldset class="box" ref={box} tabIndex={-1}>
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
