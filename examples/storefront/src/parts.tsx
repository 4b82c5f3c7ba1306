/** Pieces that pages share. */
import type { ComponentChildren, InputHTMLAttributes } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ApiError } from './errors';
import { country, money, percent } from './format';
import { useStore } from './store';
import type { Address, Page, Tax } from './types';

/** The heading of a page; gets the focus when the page opens, so that screen readers start there. */
export function Heading({ children }: { children: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${children} – Souk`;
    heading.current?.focus({ preventScroll: true });
  }, [children]);
  return <h1 ref={heading} tabIndex={-1}>{children}</h1>;
}

/** Loads what a page shows, again whenever `key` changes. What belongs to an earlier key is never shown, even if it arrives late. */
export function useLoaded<Data>(key: string, load: () => Promise<Data>): { data: Data | null; failure: string } {
  const [loaded, setLoaded] = useState<{ key: string; data: Data | null; failure: string } | null>(null);
  useEffect(() => {
    let current = true;
    load().then(
      (data) => current && setLoaded({ key, data, failure: '' }),
      (error: unknown) => current && setLoaded({ key, data: null, failure: messageOf(error) }),
    );
    return () => {
      current = false;
    };
  }, [key]);
  return loaded?.key === key ? loaded : { data: null, failure: '' };
}

/** A page whose content is on its way. */
export function Loading() {
  return <main class="page" aria-busy="true"><h1 class="quiet">Loading …</h1></main>;
}

/** A failure as a reader understands it. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  console.error(error);
  return 'Something went wrong in this page. Load it again.';
}

/** Runs one action at a time and keeps why it failed, for the page to show. */
export function useAction(): { busy: boolean; failure: string; fields: Record<string, string>; run: (action: () => Promise<void>) => Promise<void> } {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState('');
  const [fields, setFields] = useState<Record<string, string>>({});
  const run = async (action: () => Promise<void>): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setFailure('');
    setFields({});
    try {
      await action();
    } catch (error) {
      setFailure(messageOf(error));
      setFields(error instanceof ApiError ? error.fields : {});
    } finally {
      setBusy(false);
    }
  };
  return { busy, failure, fields, run };
}

/** A list's first page, then a button for the next ones. `show` makes an item of each node. */
export function Pages<Node>({ first, load, show, ...list }: { first: Page<Node>; load: (after: string | null) => Promise<Page<Node>>; show: (node: Node) => ComponentChildren; class: string }) {
  const [pages, setPages] = useState([first]);
  const { busy, failure, run } = useAction();
  const { hasNextPage, endCursor } = pages[pages.length - 1]!.pageInfo;
  const more = (): Promise<void> => run(async () => setPages([...pages, await load(endCursor)]));
  return (
    <>
      <ul {...list}>{pages.flatMap(({ nodes }) => nodes).map(show)}</ul>
      <Failure text={failure} />
      {hasNextPage && <p><button type="button" class="second" disabled={busy} onClick={() => void more()}>Show more</button></p>}
    </>
  );
}

/** An error, announced to screen readers. */
export function Failure({ text, children }: { text: string; children?: ComponentChildren }) {
  return text ? <p class="failure" role="alert">{text} {children}</p> : null;
}

/** A labelled text field with its error. */
export function Field({ label, error, hint, ...input }: { label: string; error?: string; hint?: string } & InputHTMLAttributes<HTMLInputElement> & Record<string, unknown>) {
  const id = useId();
  const described = error ? `${id}-error` : hint ? `${id}-hint` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} aria-describedby={described} aria-invalid={error ? 'true' : undefined} {...(input as object)} />
      {hint && !error && <small id={`${id}-hint`}>{hint}</small>}
      {error && <small id={`${id}-error`} class="invalid">{error}</small>}
    </div>
  );
}

/** The picture of a product; decorative, since its name stands beside it. */
export function Picture({ images, large = false }: { images: string[]; large?: boolean }) {
  return images[0] ? <img class="picture" src={images[0]} alt="" width={large ? 480 : 240} height={large ? 480 : 240} loading={large ? 'eager' : 'lazy'} /> : <div class="picture" />;
}

/** An address as lines. */
export function AddressLines({ address }: { address: Address }) {
  const { name, line1, line2, city, region, postalCode, countryCode } = address;
  const place = countryCode === 'US' ? [`${city}, ${region ?? ''} ${postalCode}`] : [`${postalCode} ${city}`, region];
  const lines = [name, line1, line2, ...place, country(countryCode)];
  return <address>{lines.filter(Boolean).map((line) => <div key={line}>{line}</div>)}</address>;
}

interface Sums { currency: string | null; subtotal: string | null; shipping: string | null; taxes: Tax[]; taxIncluded: boolean; total: string | null }

/** How a total comes about. */
export function Totals({ currency, subtotal, shipping, taxes, taxIncluded, total }: Sums) {
  return (
    <dl class="totals">
      <dt>Goods</dt>
      <dd>{money(subtotal, currency)}</dd>
      <dt>Delivery</dt>
      <dd>{shipping === null ? 'not chosen yet' : money(shipping, currency)}</dd>
      {!taxIncluded && taxes.map((tax) => <TaxRow key={tax.name + tax.rate} tax={tax} currency={currency} />)}
      <dt class="sum">Total</dt>
      <dd class="sum" data-testid="total">{money(total, currency)}</dd>
      {taxIncluded && taxes.map((tax) => <TaxRow key={tax.name + tax.rate} tax={tax} currency={currency} included />)}
    </dl>
  );
}

function TaxRow({ tax, currency, included = false }: { tax: Tax; currency: string | null; included?: boolean }) {
  return (
    <>
      <dt>{included ? `Including ${tax.name}` : tax.name}, {percent(tax.rate)}</dt>
      <dd>{money(tax.amount, currency)}</dd>
    </>
  );
}

/** Countries that the shop delivers to, by name; all of them where it has no zones. */
export function useCountries(): string[] {
  const { shop } = useStore();
  const codes = shop.deliveryCountries.length ? shop.deliveryCountries : ['AT', 'CH', 'DE', 'ES', 'FR', 'GB', 'IT', 'NL', 'US'];
  return codes.toSorted((one, other) => country(one).localeCompare(country(other)));
}
