// k6: orders of two products, or searches of 20, from as many users at once as there are virtual users.
// Environment: GATEWAY, WORLD (JSON file {tokens, products, words}), WHAT (order | search), RUN, VUS, SECONDS.
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';

const world = JSON.parse(open(__ENV.WORLD));
const url = `${__ENV.GATEWAY}/graphql`;
const fine = new Counter('fine');
const failed = new Counter('failed');
const milliseconds = new Trend('milliseconds');

export const options = {
  vus: Number(__ENV.VUS),
  duration: `${__ENV.SECONDS}s`,
  summaryTrendStats: ['med', 'p(95)', 'max'],
};

const CREATE_ORDER =
  'mutation CreateOrder($input: CreateOrderInput!) { createOrder(input: $input) { id totalPrice status } }';
const SEARCH =
  'query Search($query: String!) { products(query: $query, first: 20) { nodes { id name description price } } }';

const any = (list) => list[Math.floor(Math.random() * list.length)];

function order() {
  const first = any(world.products);
  let second = any(world.products);
  while (second === first) second = any(world.products);
  const input = {
    idempotencyKey: `${__ENV.RUN}-${__VU}-${__ITER}`,
    products: [{ id: first, quantity: 1 }, { id: second, quantity: 2 }],
  };
  return [CREATE_ORDER, { input }, '"PENDING"'];
}

const search = () => [SEARCH, { query: any(world.words) }, '"nodes":[{'];

export default function () {
  const [query, variables, expected] = __ENV.WHAT === 'order' ? order() : search();
  const token = world.tokens[(__VU - 1) % world.tokens.length];
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  const response = http.post(url, JSON.stringify({ query, variables }), { headers });
  const body = response.body || '';
  if (response.status === 200 && body.replace(/\s/g, '').includes(expected) && !body.includes('"errors"')) {
    fine.add(1);
    milliseconds.add(response.timings.duration);
  } else {
    failed.add(1);
    if (__ITER < 2) console.error(response.status, body.slice(0, 500));
  }
}

export function handleSummary(data) {
  const count = (name) => (data.metrics[name] ? data.metrics[name].values.count : 0);
  const times = data.metrics.milliseconds ? data.metrics.milliseconds.values : {};
  return {
    [__ENV.SUMMARY]: JSON.stringify({
      fine: count('fine'),
      failed: count('failed'),
      seconds: data.state.testRunDurationMs / 1000,
      p50: times.med,
      p95: times['p(95)'],
      max: times.max,
    }),
  };
}
