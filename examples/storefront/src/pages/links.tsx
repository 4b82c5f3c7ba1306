/** What mails link to. The token is in the fragment of the address, which browsers do not send to servers. */
import { useEffect, useState } from 'preact/hooks';
import { openOrderLink, request } from '../api';
import { Failure, Field, Heading, useAction } from '../parts';
import { Link, open } from '../router';
import { useStore } from '../store';

/** The token of the link, removed from the address so that it stays neither there nor in the history. */
function useToken(): string {
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get('token') ?? '');
  useEffect(() => history.replaceState(null, '', location.pathname), []);
  return token;
}

/** Whether the address has a mailed token. */
export function hasToken(): boolean {
  return location.hash.startsWith('#token=');
}

/** Opens a guest's order without a password; without an id, the guest's orders.

    It asks first where there is a session: a link that another person sent must not replace it unnoticed. */
export function OrderLinkPage({ id }: { id?: string }) {
  const token = useToken();
  const { account } = useStore();
  const [agreed, setAgreed] = useState(account === null);
  const { failure, run } = useAction();
  useEffect(() => {
    if (!agreed) return;
    void run(async () => {
      await openOrderLink(token);
      open(id ? `/orders/${id}` : '/account', { replace: true });
    });
  }, [token, agreed]);
  return (
    <main class="page">
      <Heading>Your order</Heading>
      {!agreed && (
        <>
          <p>This link opens the order of a guest. {account?.guest ? 'Your present cart is left behind.' : `You are signed in as ${account?.name} and will be signed out here.`}</p>
          <button type="button" onClick={() => setAgreed(true)}>Open the order</button>
        </>
      )}
      <Failure text={failure}><Link to="/find-order">Get a new link</Link></Failure>
    </main>
  );
}

/** Mails a new link to a guest's order. */
export function FindOrderPage() {
  const [input, setInput] = useState({ number: '', email: '' });
  const [sent, setSent] = useState(false);
  const { busy, failure, fields, run } = useAction();
  const submit = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      await request('RequestOrderLink', input);
      setSent(true);
    });
  };
  if (sent) return <main class="page narrow"><Heading>Look into your mail</Heading><p>If the number and the address belong together, a link to the order is on its way.</p></main>;
  return (
    <main class="page narrow">
      <Heading>Find an order</Heading>
      <p>For orders without an account. Otherwise <Link to="/sign-in">sign in</Link>.</p>
      <form onSubmit={submit}>
        <Field label="Order number" required value={input.number} error={fields.number} onInput={({ currentTarget }) => setInput({ ...input, number: currentTarget.value })} />
        <Field label="Email" type="email" required value={input.email} error={fields.email} onInput={({ currentTarget }) => setInput({ ...input, email: currentTarget.value })} />
        <Failure text={failure} />
        <button disabled={busy}>Mail me the link</button>
      </form>
    </main>
  );
}

/** Confirms an email address. */
export function VerifyEmailPage() {
  const token = useToken();
  const { failure, run } = useAction();
  const [done, setDone] = useState(false);
  useEffect(() => {
    void run(async () => {
      await request('VerifyEmail', { token });
      setDone(true);
    });
  }, [token]);
  return <main class="page"><Heading>Your email address</Heading><Failure text={failure} />{done && <p role="status" class="good">Thank you, your address is confirmed.</p>}</main>;
}

/** Mails a link to set a new password; with the link's token, sets it. */
export function ResetPasswordPage() {
  const token = useToken();
  const [text, setText] = useState('');
  const [done, setDone] = useState(false);
  const { busy, failure, fields, run } = useAction();
  const submit = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      if (token) await request('ResetPassword', { token, newPassword: text });
      else await request('RequestPasswordReset', { email: text });
      setDone(true);
    });
  };
  const title = token ? 'Set a new password' : 'Forgotten password';
  if (done) {
    return <main class="page narrow"><Heading>{title}</Heading><p role="status" class="good">{token ? <>Your password is set. <Link to="/sign-in">Sign in</Link></> : 'If there is an account with this address, a link is on its way.'}</p></main>;
  }
  return (
    <main class="page narrow">
      <Heading>{title}</Heading>
      <form onSubmit={submit}>
        {token ? (
          <Field label="New password" type="password" autocomplete="new-password" required value={text} error={fields.newPassword} onInput={({ currentTarget }) => setText(currentTarget.value)} />
        ) : (
          <Field label="Email" type="email" autocomplete="email" required value={text} error={fields.email} onInput={({ currentTarget }) => setText(currentTarget.value)} />
        )}
        <Failure text={failure} />
        <button disabled={busy}>{token ? 'Set the password' : 'Mail me a link'}</button>
      </form>
    </main>
  );
}
