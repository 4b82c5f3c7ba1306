/** Requests to the gateway. The access token is kept in memory, the refresh token in sessionStorage; neither is ever in a cookie. */
import { documentOf } from './documents';
import { ApiError, type GraphQLError } from './errors';
import type { Account, Session } from './types';

export interface Config { api: string; stripe: string }

const REFRESH_TOKEN = 'souk.refreshToken';
const TAB = 'souk.tab';
// Longer than a tab that is loaded again takes to give up its lock.
const LOCK_MS = 1000;
const DEVICE_TOKEN = 'souk.deviceToken';

let config: Config;
let accessToken: string | null = null;
let refreshing: Promise<boolean> | null = null;
let sessionListener: (account: Account | null) => void = () => undefined;

/** Reads config.json, and continues the session of this tab if there is one. */
export async function start(onSession: (account: Account | null) => void): Promise<Config> {
  sessionListener = onSession;
  await claimTab();
  config = (await (await fetch('/config.json')).json()) as Config;
  await refresh();
  return config;
}

/** Starts a duplicated tab without a session: its copy of the refresh token would be used twice, which revokes the session in both tabs.

    The name of a tab is copied with the rest of its storage. A tab holds a lock of that name while it is open, so only a copy waits for it in vain. */
async function claimTab(): Promise<void> {
  const name = sessionStorage.getItem(TAB);
  if (name && (await hold(name))) return;
  const own = crypto.randomUUID();
  if (name) sessionStorage.removeItem(REFRESH_TOKEN);
  sessionStorage.setItem(TAB, own);
  await hold(own);
}

/** Takes a lock until the page is closed; false if another page has it. */
function hold(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const held = (): Promise<never> => {
      resolve(true);
      return new Promise(() => undefined);
    };
    navigator.locks.request(`${TAB}.${name}`, { signal: AbortSignal.timeout(LOCK_MS) }, held).catch(() => resolve(false));
  });
}

/** Sends an operation. Throws ApiError. An expired access token is renewed once. */
export async function request<Data>(operation: string, variables: object = {}): Promise<Data> {
  const renewed = accessToken === null && (await refresh());
  const used = accessToken;
  try {
    return await send<Data>(operation, variables);
  } catch (error) {
    const expired = error instanceof ApiError && error.code === 'UNAUTHENTICATED';
    if (!expired || renewed || !(await refresh(used))) throw error;
    return await send<Data>(operation, variables);
  }
}

/** As `request`, with a session of a guest if there is none. */
export async function requestAsBuyer<Data>(operation: string, variables: object = {}): Promise<Data> {
  if (accessToken === null && !(await refresh())) {
    keep((await send<{ startGuest: Session }>('StartGuest', {}, null)).startGuest);
  }
  return request<Data>(operation, variables);
}

/** Signs in or registers; the cart that was filled before belongs to the account then. */
export async function signIn(operation: 'Login' | 'Register', input: Record<string, unknown>, guest: boolean): Promise<void> {
  // A token that expires in between would lose the cart, so it is renewed first.
  const guestToken = guest && (await refresh(accessToken)) ? accessToken : null;
  if (operation === 'Register') {
    const variables = { input: { ...input, guestToken } };
    keep((await send<{ register: Session }>('Register', variables, null)).register);
    return;
  }
  const variables = { input: { ...input, deviceToken: localStorage.getItem(DEVICE_TOKEN) } };
  const { login } = await send<{ login: Session }>('Login', variables, null);
  // The guest's session is given up only when its cart has moved; until then signing in can be repeated.
  if (guestToken) await send('MergeCart', { guestToken }, login.accessToken);
  keep(login);
}

/** Exchanges the token of a mailed link for a session of its guest. */
export async function openOrderLink(token: string): Promise<void> {
  keep((await send<{ openOrderLink: Session }>('OpenOrderLink', { token }, null)).openOrderLink);
}

/** Ends the session here and at the shop. */
export async function signOut(): Promise<void> {
  const refreshToken = sessionStorage.getItem(REFRESH_TOKEN);
  try {
    await send('Logout', { refreshToken }, null);
  } finally {
    forget();
  }
}

/** Calls `onData` for each update until the returned function is called; connects again when the connection breaks. */
export function subscribe<Data>(operation: string, variables: object, onData: (data: Data) => void): () => void {
  let socket: WebSocket | null = null;
  let timer = 0;
  let closed = false;
  function connect(): void {
    const opened = new WebSocket(config.api.replace(/^http/, 'ws') + '/graphql', 'graphql-transport-ws');
    socket = opened;
    const say = (message: object): void => opened.send(JSON.stringify(message));
    opened.onopen = () => say({ type: 'connection_init', payload: accessToken ? { Authorization: `Bearer ${accessToken}` } : {} });
    opened.onmessage = ({ data }) => {
      const message = JSON.parse(String(data)) as { type: string; payload?: { data?: Data } };
      if (message.type === 'connection_ack') say({ id: '1', type: 'subscribe', payload: { query: documentOf(operation), variables } });
      if (message.type === 'ping') say({ type: 'pong' });
      if (message.type === 'next' && message.payload?.data) onData(message.payload.data);
    };
    opened.onclose = () => {
      if (!closed) timer = window.setTimeout(() => void refresh(accessToken).finally(() => !closed && connect()), 2000);
    };
  }
  connect();
  return () => {
    closed = true;
    window.clearTimeout(timer);
    socket?.close(1000);
  };
}

/** Without a token where null is given: an expired one would reject even a login. */
async function send<Data>(operation: string, variables: object, token = accessToken): Promise<Data> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  let answer: { data?: Data | null; errors?: GraphQLError[] };
  try {
    const body = JSON.stringify({ query: documentOf(operation), operationName: operation, variables });
    const response = await fetch(`${config.api}/graphql`, { method: 'POST', headers, body });
    answer = (await response.json()) as typeof answer;
  } catch {
    throw new ApiError({ message: 'the shop cannot be reached', extensions: { code: 'SERVICE_UNAVAILABLE', reason: 'NETWORK' } });
  }
  if (answer.errors?.[0]) throw new ApiError(answer.errors[0]);
  return answer.data as Data;
}

/** Renews the access token, unless it is another than the `expired` one already; false without a session.

    Calls at the same time share one request, since a refresh token is used once. */
function refresh(expired: string | null = null): Promise<boolean> {
  if (accessToken !== expired && accessToken !== null) return Promise.resolve(true);
  accessToken = null;
  refreshing ??= renew().finally(() => (refreshing = null));
  return refreshing;
}

async function renew(): Promise<boolean> {
  const refreshToken = sessionStorage.getItem(REFRESH_TOKEN);
  if (!refreshToken) return false;
  try {
    keep((await send<{ refreshToken: Session }>('Refresh', { refreshToken }, null)).refreshToken);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'UNAUTHENTICATED') throw error;
    forget();
    return false;
  }
}

function keep(session: Session): void {
  accessToken = session.accessToken;
  if (session.refreshToken) sessionStorage.setItem(REFRESH_TOKEN, session.refreshToken);
  // Trusted at the next login from this browser, which protects the account from guessing elsewhere.
  if (session.deviceToken) localStorage.setItem(DEVICE_TOKEN, session.deviceToken);
  sessionListener(session.account);
}

function forget(): void {
  accessToken = null;
  sessionStorage.removeItem(REFRESH_TOKEN);
  sessionListener(null);
}
