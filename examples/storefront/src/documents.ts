/** Splits operations.graphql, and joins an operation with the fragments that it uses. */
import text from './operations.graphql';

const definitions = new Map<string, string>();
for (const part of text.split(/^(?=(?:query|mutation|subscription|fragment) )/m)) {
  const name = /^(?:query|mutation|subscription|fragment) (\w+)/.exec(part)?.[1];
  if (name) definitions.set(name, part.trim());
}

/** The document of an operation. */
export function documentOf(operation: string): string {
  const names = new Set([operation]);
  for (const name of names) {
    for (const [, fragment] of definition(name).matchAll(/\.\.\.(\w+)/g)) names.add(fragment!);
  }
  return [...names].map(definition).join('\n');
}

function definition(name: string): string {
  const found = definitions.get(name);
  if (!found) throw new Error(`operations.graphql has no ${name}`);
  return found;
}
