// The playground: GraphiQL against our own /graphql. Bundled with all that it needs; it fetches nothing from elsewhere.
import 'graphiql/graphiql.css';
import './playground.css';
import { useEditorContext } from '@graphiql/react';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createClient } from 'graphql-ws';
import React, { createElement as h, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

// Short lines: the editor cuts off what is wider than half of a small window.
const WELCOME = `# Welcome to Souk.
# Run this query with the pink button.
# To order, sign in at the top right.

{
  products(query: "laptop", first: 5) {
    nodes { id name price available }
  }
}
`;
const LOGIN = 'mutation Login($input: LoginInput!) { login(input: $input) { accessToken } }';
// The headers editor has the token too; sockets ask for it here, when they connect.
let authorization;

async function signIn({ email, password }) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: LOGIN, variables: { input: { email, password } } }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return `Bearer ${data.login.accessToken}`;
}

// Where GraphiQL has its logo: a button for each login that the server names, in development.
function SignIn() {
  const { headerEditor } = useEditorContext({ nonNull: true });
  const [logins, setLogins] = useState([]);
  const [who, setWho] = useState('');
  const [problem, setProblem] = useState('');
  useEffect(() => {
    fetch('/playground/logins.json').then(async (response) => setLogins(response.ok ? await response.json() : []));
  }, []);

  function use(name, value) {
    authorization = value;
    setWho(name);
    headerEditor?.setValue(value ? JSON.stringify({ Authorization: value }, null, 2) : '');
  }

  async function choose(login) {
    setProblem('');
    try {
      use(login.name, await signIn(login));
    } catch (error) {
      setProblem(`Could not sign in as ${login.name}: ${error.message}`);
    }
  }

  if (who) {
    return h('span', { className: 'sign-in' }, `Signed in as ${who}`, h('button', { onClick: () => use('') }, 'Sign out'));
  }
  const buttons = logins.map((login) =>
    h('button', { key: login.name, onClick: () => choose(login) }, `Sign in as ${login.name}`),
  );
  return h('span', { className: 'sign-in' }, problem, ...buttons);
}

const wsClient = createClient({
  url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
  connectionParams: () => (authorization ? { Authorization: authorization } : {}),
});
const fetcher = createGraphiQLFetcher({ url: '/graphql', wsClient });
createRoot(document.getElementById('graphiql')).render(
  h(GraphiQL, { fetcher, defaultQuery: WELCOME, shouldPersistHeaders: false, defaultEditorToolsVisibility: 'headers' },
    h(GraphiQL.Logo, null, h(SignIn))),
);
