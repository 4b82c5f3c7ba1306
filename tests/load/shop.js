// k6: one scenario of the load test. An operation counts only if its response is checked and has no errors.
// Environment: GATEWAY, WORLD (a JSON file, tests/load/world.py), SCENARIO, RUN, VUS, SUMMARY, and SECONDS, for `journey` also RATE.
import http from 'k6/http';
import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';

const world = JSON.parse(open(__ENV.WORLD));
const url = `${__ENV.GATEWAY}/graphql`;
const successful = new Counter('successful');
const failed = new Counter('failed');
const milliseconds = new Trend('milliseconds');

const users = Number(__ENV.VUS);
const duration = `${__ENV.SECONDS}s`;
const EXECUTORS = {
  // Every prepared cart once.
  checkout: { executor: 'shared-iterations', vus: users, iterations: world.carts.length, maxDuration: '60s' },
  // An open loop: orders start at their rate, however long others take.
  journey: {
    executor: 'constant-arrival-rate',
    rate: Number(__ENV.RATE || 1),
    timeUnit: '1s',
    duration,
    preAllocatedVUs: users,
    maxVUs: 10 * users,
    gracefulStop: '30s',
  },
};
// Hashing takes two cores; more logins at once would be rejected.
const MAX_LOGINS = 2;
const CLOSED_LOOP = {
  executor: 'constant-vus',
  vus: __ENV.SCENARIO === 'login' ? Math.min(MAX_LOGINS, users) : users,
  duration,
};

export const options = {
  scenarios: { main: EXECUTORS[__ENV.SCENARIO] || CLOSED_LOOP },
  summaryTrendStats: ['med', 'p(95)', 'max'],
};

const CREATE_ORDER =
  'mutation CreateOrder($input: CreateOrderInput!) { createOrder(input: $input) { id totalPrice status } }';
const CHECKOUT =
  'mutation Checkout($input: CheckoutInput!) { checkout(input: $input) { id totalPrice status } }';
const SEARCH =
  'query Search($query: String!) { products(query: $query, first: 20) { nodes { id name description price } } }';
const PRODUCT = 'query Product($id: ID!) { product(id: $id) { id name description price } }';
const ME = 'query Me { me { id name email } }';
const LOGIN = 'mutation Login($input: LoginInput!) { login(input: $input) { account { id } accessToken } }';
const FIELDS = 'id version total lines { quantity unitPrice total }';
const ADD = `mutation Add($lines: [OrderProductInput!]!) { addToCart(lines: $lines) { ${FIELDS} } }`;
const CART = `query Cart { cart { ${FIELDS} } }`;

const randomItem = (list) => list[Math.floor(Math.random() * list.length)];
const own = (list) => list[(__VU - 1) % list.length];

function request(token, query, variables, expected) {
  const headers = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = http.post(url, JSON.stringify({ query, variables }), { headers });
  const body = response.body || '';
  const ok = response.status === 200 && body.replace(/\s/g, '').includes(expected) && !body.includes('"errors"');
  if (!ok && __ITER < 2) console.error(response.status, body.slice(0, 500));
  return { ok, milliseconds: response.timings.duration };
}

// Accounts order in turn: each has few unpaid orders, and mails to one account are sent one after the other.
const shopper = () => world.shoppers[exec.scenario.iterationInTest % world.shoppers.length];

function order() {
  const first = randomItem(world.products);
  let second = randomItem(world.products);
  while (second === first) second = randomItem(world.products);
  const input = {
    idempotencyKey: `${__ENV.RUN}-${__VU}-${__ITER}`,
    products: [{ id: first, quantity: 1 }, { id: second, quantity: 2 }],
  };
  return [request(shopper(), CREATE_ORDER, { input }, '"status":"PENDING"')];
}

function checkout() {
  const { token, input } = world.carts[exec.scenario.iterationInTest];
  return [request(token, CHECKOUT, { input }, '"status":"PENDING"')];
}

function cart() {
  const token = own(world.tokens);
  // Of two products in turn: the cart of a user stays small.
  const id = world.products[(2 * __VU + (__ITER % 2)) % world.products.length];
  return [
    request(token, ADD, { lines: [{ id, quantity: 1 }] }, '"lines":[{'),
    request(token, CART, {}, '"lines":[{'),
  ];
}

function product() {
  const id = randomItem(world.catalogue);
  return [request(own(world.tokens), PRODUCT, { id }, `"id":"${id}"`)];
}

const search = () => [request(own(world.tokens), SEARCH, { query: randomItem(world.queries) }, '"nodes":[{')];
const me = () => [request(own(world.tokens), ME, {}, '"email":"')];
const login = () => [
  request('', LOGIN, { input: { email: own(world.emails), password: world.password } }, '"accessToken":"'),
];

const SCENARIOS = { search, product, me, order, journey: order, login, cart, checkout };

export default function () {
  const responses = SCENARIOS[__ENV.SCENARIO]();
  if (responses.every((response) => response.ok)) {
    successful.add(1);
    milliseconds.add(responses.reduce((sum, response) => sum + response.milliseconds, 0));
  } else {
    failed.add(1);
  }
}

export function handleSummary(data) {
  const count = (name) => (data.metrics[name] ? data.metrics[name].values.count : 0);
  const times = data.metrics.milliseconds ? data.metrics.milliseconds.values : {};
  return {
    [__ENV.SUMMARY]: JSON.stringify({
      successful: count('successful'),
      failed: count('failed'),
      dropped: count('dropped_iterations'),
      seconds: data.state.testRunDurationMs / 1000,
      p50: times.med || 0,
      p95: times['p(95)'] || 0,
      max: times.max || 0,
    }),
  };
}
