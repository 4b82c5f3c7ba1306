/** Sign in, register, and one's orders. */
import { useState } from 'preact/hooks';
import { request, signIn, signOut } from '../api';
import { dateTime, money } from '../format';
import { Failure, Field, Heading, Pages, useAction, useLoaded } from '../parts';
import { Link, open, useLocation } from '../router';
import { useStore } from '../store';
import type { OrderSummary, Page } from '../types';

const STATUS = { PENDING: 'not paid yet', CONFIRMED: 'paid', SHIPPED: 'on its way', DELIVERED: 'delivered', CANCELLED: 'cancelled' };

export function SignInPage() {
  const { searchParams } = useLocation();
  const registering = searchParams.has('new');
  const back = searchParams.get('to') === 'checkout' ? 'checkout' : 'account';
  const { account, loadCart } = useStore();
  const { busy, failure, fields, run } = useAction();
  const [input, setInput] = useState({ name: '', email: '', password: '' });
  const field = (name: keyof typeof input): object => ({
    value: input[name],
    error: fields[name],
    required: true,
    onInput: ({ currentTarget }: { currentTarget: HTMLInputElement }) => setInput({ ...input, [name]: currentTarget.value }),
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    const { name, ...login } = input;
    void run(async () => {
      await signIn(registering ? 'Register' : 'Login', registering ? { name, ...login } : login, account?.guest === true);
      await loadCart();
      open(`/${back}`, { replace: true });
    });
  };
  return (
    <main class="page narrow">
      <Heading>{registering ? 'Create an account' : 'Sign in'}</Heading>
      <p>{account?.guest ? 'What is in your cart stays there.' : ''}</p>
      <form onSubmit={submit}>
        {registering && <Field label="Name" autocomplete="name" {...field('name')} />}
        <Field label="Email" type="email" autocomplete="email" {...field('email')} />
        <Field label="Password" type="password" autocomplete={registering ? 'new-password' : 'current-password'} {...field('password')} />
        <Failure text={failure} />
        <button disabled={busy}>{registering ? 'Create the account' : 'Sign in'}</button>
      </form>
      {registering ? (
        <p><Link to={`/sign-in?to=${back}`}>I have an account</Link></p>
      ) : (
        <>
          <p><Link to={`/sign-in?new&to=${back}`}>I am new here</Link></p>
          <p><Link to="/reset-password">I have forgotten my password</Link></p>
          <p><Link to="/find-order">I ordered without an account</Link></p>
        </>
      )}
    </main>
  );
}

export function AccountPage() {
  const { account } = useStore();
  const { run, busy } = useAction();
  const { data, failure } = useLoaded(account?.id ?? '', async () => (account ? myOrders(null) : null));
  if (!account) return <main class="page"><Heading>Your orders</Heading><p><Link to="/sign-in">Sign in</Link> to see your orders.</p></main>;
  const leave = (): Promise<void> =>
    run(async () => {
      await signOut();
      open('/');
    });
  return (
    <main class="page">
      <Heading>Your orders</Heading>
      <p>{account.guest ? <>You order as a guest. <Link to="/sign-in?new">Create an account</Link> to keep your orders.</> : `Signed in as ${account.name}.`}</p>
      <Failure text={failure} />
      {data && <Pages key={account.id} class="lines" first={data} load={myOrders} show={(order) => <Summary key={order.id} order={order} />} />}
      {data?.nodes.length === 0 && <p>No orders yet.</p>}
      {!account.guest && <button type="button" class="second" disabled={busy} onClick={() => void leave()}>Sign out</button>}
    </main>
  );
}

function Summary({ order }: { order: OrderSummary }) {
  return (
    <li>
      <div><strong><Link to={`/orders/${order.id}`}>Order {order.number}</Link></strong><div>{dateTime(order.createdAt)} · {STATUS[order.status]}</div></div>
      <div class="amount">{money(order.totalPrice, order.currency)}</div>
    </li>
  );
}

async function myOrders(after: string | null): Promise<Page<OrderSummary>> {
  const { me } = await request<{ me: { orders: Page<OrderSummary> | null } | null }>('MyOrders', { after });
  return me?.orders ?? { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
}
