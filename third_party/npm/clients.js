// Real clients against a gateway, each as its documentation says. Usage: node clients.mjs CLIENT SETTINGS, where SETTINGS is JSON of
// {url, socket, token, product}. Prints JSON of what each kind of operation gave. Bundled with the clients.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { Client as UrqlClient, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { GraphQLClient } from 'graphql-request';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { createHash } from 'node:crypto';
import WebSocket from 'ws';
import { Environment, Network, Observable, RecordSource, Store } from 'relay-runtime';

const QUERY = 'query Product($id: ID!) { product(id: $id) { id name } }';
const FAILING = 'query Failing($id: ID!) { order(id: $id) { id } }';
const MUTATION = 'mutation Order($input: CreateOrderInput!) { createOrder(input: $input) { id status } }';
const SUBSCRIPTION = 'subscription Updated($id: ID!) { orderUpdated(id: $id) { id status } }';
const END = new Set(['CONFIRMED', 'CANCELLED']);

const [client, text] = process.argv.slice(2);
const { url, socket, token, product } = JSON.parse(text);
const headers = { Authorization: `Bearer ${token}` };
const input = { products: [{ id: product, quantity: 1 }] };
const sha256 = (document) => createHash('sha256').update(document).digest('hex');
const requests = [];
// Notes how each operation travelled; the clients' own fetch otherwise.
const noted = async (target, options = {}) => {
  const response = await fetch(target, options);
  requests.push({ method: options.method ?? 'GET', status: response.status });
  return response;
};

// Node 20 has no WebSocket of its own.
function sockets() {
  return createWsClient({ url: socket, webSocketImpl: WebSocket, connectionParams: headers });
}

// The statuses of an order until its end, from something that calls next, error and complete.
function statuses(subscribe) {
  return new Promise((resolve, reject) => {
    const seen = [];
    const stop = subscribe({
      next: ({ data, errors }) => {
        if (errors?.length) return reject(new Error(JSON.stringify(errors)));
        seen.push(data.orderUpdated.status);
        if (END.has(seen.at(-1))) {
          resolve(seen);
          setImmediate(() => (stop.unsubscribe ? stop.unsubscribe() : stop()));
        }
      },
      error: reject,
      complete: () => {},
    });
  });
}

function apollo(link) {
  const made = new ApolloClient({ cache: new InMemoryCache(), link });
  return {
    query: async () => (await made.query({ query: gql(QUERY), variables: { id: product } })).data.product.name,
    error: () => made.query({ query: gql(FAILING), variables: { id: 'x' } }),
    mutation: async () => (await made.mutate({ mutation: gql(MUTATION), variables: { input } })).data.createOrder.id,
    subscription: (id) => statuses((sink) => made.subscribe({ query: gql(SUBSCRIPTION), variables: { id } }).subscribe(sink)),
  };
}

function apolloLink(useGETForHashedQueries) {
  const http = new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(new HttpLink({ uri: url, headers, fetch: noted }));
  const isSubscription = ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION;
  return ApolloLink.split(isSubscription, new GraphQLWsLink(sockets()), http);
}

const CLIENTS = {
  'apollo persisted by GET': () => apollo(apolloLink(true)),
  'apollo persisted by POST': () => apollo(apolloLink(false)),

  urql: () => {
    const ws = sockets();
    const made = new UrqlClient({
      url,
      fetch: noted,
      fetchOptions: { headers },
      exchanges: [
        cacheExchange,
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: ({ query, variables }) => ({
            subscribe: (sink) => ({ unsubscribe: ws.subscribe({ query, variables }, sink) }),
          }),
        }),
      ],
    });
    const checked = ({ data, error }) => {
      if (error) throw error;
      return data;
    };
    return {
      query: async () => checked(await made.query(QUERY, { id: product }).toPromise()).product.name,
      error: async () => checked(await made.query(FAILING, { id: 'x' }).toPromise()),
      mutation: async () => checked(await made.mutation(MUTATION, { input }).toPromise()).createOrder.id,
      subscription: (id) =>
        statuses((sink) => made.subscription(SUBSCRIPTION, { id }).subscribe(({ data, error }) => (error ? sink.error(error) : sink.next({ data })))),
    };
  },

  relay: () => {
    const ws = sockets();
    // The network layer of Relay's own guide; documents are texts here, as Relay's compiler would emit them.
    const fetchQuery = async ({ text }, variables) => {
      const response = await noted(url, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JSON.stringify({ query: text, variables }),
      });
      return response.json();
    };
    const subscribeTo = ({ text }, variables) => Observable.create((sink) => ws.subscribe({ query: text, variables }, sink));
    const network = Network.create(fetchQuery, subscribeTo);
    const environment = new Environment({ network, store: new Store(new RecordSource()) });
    const execute = (operationKind, document, variables) =>
      environment.getNetwork().execute({ id: null, cacheID: document, name: 'x', operationKind, text: document, metadata: {} }, variables, {});
    const result = async (...operation) => {
      const answer = await execute(...operation).toPromise();
      if (answer.errors) throw Object.assign(new Error(answer.errors[0].message), { errors: answer.errors });
      return answer.data;
    };
    return {
      query: async () => (await result('query', QUERY, { id: product })).product.name,
      error: () => result('query', FAILING, { id: 'x' }),
      mutation: async () => (await result('mutation', MUTATION, { input })).createOrder.id,
      subscription: (id) => statuses((sink) => execute('subscription', SUBSCRIPTION, { id }).subscribe(sink)),
    };
  },

  'graphql-request': () => {
    const made = new GraphQLClient(url, { headers, fetch: noted });
    return {
      query: async () => (await made.request(QUERY, { id: product })).product.name,
      error: () => made.request(FAILING, { id: 'x' }),
      mutation: async () => (await made.request(MUTATION, { input })).createOrder.id,
    };
  },

  'graphql-ws': () => streamed(sockets()),
  'graphql-sse': () => streamed(createSseClient({ url, headers, fetchFn: noted })),
};

// Clients that carry every operation over a stream.
function streamed(made) {
  const once = async (query, variables) => {
    for await (const answer of made.iterate({ query, variables })) {
      if (answer.errors) throw Object.assign(new Error(answer.errors[0].message), { errors: answer.errors });
      return answer.data;
    }
    throw new Error('no result');
  };
  return {
    query: async () => (await once(QUERY, { id: product })).product.name,
    error: () => once(FAILING, { id: 'x' }),
    mutation: async () => (await once(MUTATION, { input })).createOrder.id,
    subscription: (id) => statuses((sink) => made.subscribe({ query: SUBSCRIPTION, variables: { id } }, sink)),
  };
}

// Each client has its own kind of error; all carry the errors of the response.
function codes(error) {
  const errors = error.errors ?? error.graphQLErrors ?? error.response?.errors ?? [];
  return errors.map(({ extensions, originalError }) => (extensions ?? originalError?.extensions)?.code);
}

const made = CLIENTS[client]();
const found = { query: await made.query() };
found.error = await made.error().then(() => ['no error'], codes);
found.mutation = await made.mutation();
if (made.subscription) found.subscription = await made.subscription(found.mutation);
found.requests = requests;
console.log(JSON.stringify(found));
process.exit(0);
