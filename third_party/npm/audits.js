// The audits of GraphQL over HTTP against the URL that is given; what each of them found, as JSON. Bundled with graphql-http.
import { auditServer } from 'graphql-http';

const found = await auditServer({ url: process.argv[2], fetchFn: fetch });
console.log(JSON.stringify(found.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
