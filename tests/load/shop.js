// k6: orders of two products, or searches for 20, by VUS concurrent users.
// Environment: GATEWAY, WORLD (JSON file {tokens, products, queries}), SCENARIO (order | search), RUN, VUS, SECONDS, SUMMARY.
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';

const world = JSON.parse(open(__ENV.WORLD));
const url = `${__ENV.GATEWAY}/graphql`;
const successful = new Counter('successful');
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

const randomItem = (list) => list[Math.floor(Math.random() * list.length)];

function order() {
  const first = randomItem(world.products);
  let second = randomItem(world.products);
  while (second === first) second = randomItem(world.products);
  const input = {
    idempotencyKey: `${__ENV.RUN}-${__VU}-${__ITER}`,
    products: [{ id: first, quantity: 1 }, { id: second, quantity: 2 }],
  };
  return [CREATE_ORDER, { input }, '"PENDING"'];
}

const search = () => [SEARCH, { query: randomItem(world.queries) }, '"nodes":[{'];

export default function () {
  const [query, variables, expected] = __ENV.SCENARIO === 'order' ? order() : search();
  const token = world.tokens[(__VU - 1) % world.tokens.length];
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  const response = http.post(url, JSON.stringify({ query, variables }), { headers });
  const body = response.body || '';
  if (response.status === 200 && body.replace(/\s/g, '').includes(expected) && !body.includes('"errors"')) {
    successful.add(1);
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
      successful: count('successful'),
      failed: count('failed'),
      seconds: data.state.testRunDurationMs / 1000,
      p50: times.med,
      p95: times['p(95)'],
      max: times.max,
    }),
  };
}
