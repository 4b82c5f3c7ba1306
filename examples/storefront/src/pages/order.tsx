/** An order: its payment while it is open, then its way to the buyer. */
import { useEffect, useState } from 'preact/hooks';
import { request, subscribe } from '../api';
import { ApiError } from '../errors';
import { dateTime, money, optionWords } from '../format';
import { AddressLines, Failure, Heading, Loading, Totals, useAction, useLoaded } from '../parts';
import { Link } from '../router';
import { useStore } from '../store';
import type { Order, Payment } from '../types';
import { CardForm } from './card';

export function OrderPage({ id }: { id: string }) {
  const { data, failure } = useLoaded(id, () => loadOrder(id));
  const { loadCart } = useStore();
  const [latest, setLatest] = useState<Order | null>(null);
  const known = data !== null && data !== 'unknown';
  const order = known ? latest ?? data : null;
  // The bank's page returns with the payment's secret in the address.
  useEffect(() => history.replaceState(null, '', location.pathname), [id]);
  useEffect(() => {
    if (!known) return undefined;
    return subscribe<{ orderUpdated: Order | null }>('OrderUpdated', { id }, ({ orderUpdated }) => orderUpdated && setLatest(orderUpdated));
  }, [id, known]);
  // What an unpaid order held is in the cart again. The order's own page does not need the cart, so a failure is left to the cart's page.
  useEffect(() => {
    if (order?.status === 'CANCELLED') loadCart().catch(() => undefined);
  }, [order?.status]);
  if (failure) return <main class="page"><Heading>Order</Heading><Failure text={failure} /></main>;
  if (data === 'unknown') return <main class="page"><Heading>Order not found</Heading><p><Link to="/sign-in">Sign in</Link> with the account that ordered, or <Link to="/find-order">get a link by mail</Link> if you ordered without one.</p></main>;
  if (!order) return <Loading />;
  return (
    <main class="page">
      <Heading>{`Order ${order.number}`}</Heading>
      <p role="status" class={order.status === 'CANCELLED' ? 'notice' : 'good'} data-testid="status">{statusWords(order)}{returned(order) && <> What you chose is in your cart again. <Link to="/cart">Go to the cart</Link></>}</p>
      {order.history.filter(({ note }) => note).map(({ at, note }) => <p key={at}>{dateTime(at)}: {note}</p>)}
      <div class="with-summary">
        <section aria-label="Products">
          {order.status === 'PENDING' && <Pay order={order} onChange={setLatest} />}
          <ul class="lines">
            {order.lines.map((line) => (
              <li key={line.variantId}>
                <div>
                  <strong><Link to={`/products/${line.productId}`}>{line.name}</Link></strong>
                  {line.options.length > 0 && <div>{optionWords(line.options)}</div>}
                  <div>{line.quantity} × {money(line.unitPrice, order.currency)}</div>
                </div>
                <div class="amount">{money(line.total, order.currency)}</div>
              </li>
            ))}
          </ul>
          {order.shippingAddress && <><h2>Delivery to</h2><AddressLines address={order.shippingAddress} /></>}
          {order.shipping && <p>Delivery method: {order.shipping.name}</p>}
        </section>
        <section aria-label="Total" class="summary">
          <Totals currency={order.currency} subtotal={order.subtotal} shipping={delivery(order)} taxes={order.taxes} taxIncluded={order.taxIncluded} total={order.totalPrice} />
          {Number(order.refundedAmount) > 0 && <p>Refunded so far: {money(order.refundedAmount, order.currency)}</p>}
          <p><small>Ordered {dateTime(order.createdAt)}</small></p>
        </section>
      </div>
    </main>
  );
}

/** The order, or "unknown" where it does not exist, belongs to another account, or no one is signed in. */
async function loadOrder(id: string): Promise<Order | 'unknown'> {
  try {
    return (await request<{ order: Order | null }>('Order', { id })).order ?? 'unknown';
  } catch (error) {
    if (error instanceof ApiError && (error.unknown || error.code === 'UNAUTHENTICATED')) return 'unknown';
    throw error;
  }
}

/** What delivery adds to the goods: taxes that are added have rows of their own. */
function delivery({ shipping, taxIncluded }: Order): string {
  if (!shipping) return '0';
  return taxIncluded ? shipping.total : String(Number(shipping.total) - Number(shipping.tax));
}

/** Whether the order was cancelled unpaid, which gives the cart back. */
function returned({ cancelReason, history }: Order): boolean {
  return cancelReason === 'CUSTOMER' ? history.at(-2)?.status === 'PENDING' : cancelReason === 'PAYMENT_FAILED' || cancelReason === 'PAYMENT_TIMEOUT';
}

function statusWords({ status, cancelReason, payment }: Order): string {
  switch (status) {
    case 'PENDING': return payment?.status === 'SUCCEEDED' ? 'Your payment is being confirmed.' : 'Waiting for your payment.';
    case 'CONFIRMED': return 'Paid. Thank you! A mail with the details is on its way.';
    case 'SHIPPED': return 'On its way to you.';
    case 'DELIVERED': return 'Delivered.';
    case 'CANCELLED': return cancelReason === 'PAYMENT_FAILED' || cancelReason === 'PAYMENT_TIMEOUT' ? 'Cancelled. It was not paid in time.' : 'Cancelled.';
  }
}

/** The card form, as soon as the payment can take a card. */
function Pay({ order, onChange }: { order: Order; onChange: (order: Order) => void }) {
  const { busy, failure, run } = useAction();
  const [payment, setPayment] = useState<Payment | null>(order.payment);
  useEffect(() => setPayment((known) => (order.payment ? { ...order.payment, clientSecret: order.payment.clientSecret ?? known?.clientSecret ?? null } : known)), [order.payment]);
  const prepare = (): Promise<void> =>
    run(async () => setPayment((await request<{ startPayment: Payment }>('StartPayment', { orderId: order.id })).startPayment));
  useEffect(() => {
    if (!payment?.clientSecret) void prepare();
  }, [order.id, payment?.clientSecret]);
  if (payment?.status === 'SUCCEEDED') return null;
  const cancel = (): Promise<void> => run(async () => onChange((await request<{ cancelOrder: Order }>('CancelOrder', { id: order.id })).cancelOrder));
  return (
    <section aria-label="Payment" class="box">
      <h2>Pay by card</h2>
      {payment?.payBefore && <p>Your products are reserved until {dateTime(payment.payBefore)}.</p>}
      <Failure text={failure}>{!payment?.clientSecret && <button type="button" class="link" disabled={busy} onClick={() => void prepare()}>Try again</button>}</Failure>
      {payment?.clientSecret ? <CardForm secret={payment.clientSecret} orderId={order.id} failureCode={payment.failureCode} amount={money(order.totalPrice, order.currency)} /> : !failure && <p aria-busy="true">Preparing the payment …</p>}
      <button type="button" class="link" disabled={busy} onClick={() => void cancel()}>Cancel the order</button>
    </section>
  );
}
