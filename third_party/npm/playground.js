// The playground: GraphiQL against our own /graphql. Bundled with all that it needs; it fetches nothing from elsewhere.
import 'graphiql/graphiql.css';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import React from 'react';
import { createRoot } from 'react-dom/client';

const WELCOME = `# Souk. Sign in with the development logins that "make run" printed, then put the token below, under Headers:
#   {"Authorization": "Bearer <accessToken>"}

{
  products(query: "laptop", first: 5) {
    nodes { id name price available }
  }
}
`;

const fetcher = createGraphiQLFetcher({ url: '/graphql' });
createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, { fetcher, defaultQuery: WELCOME, shouldPersistHeaders: false }),
);
