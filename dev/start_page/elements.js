// Elements from text, never from markup; and reading what the page shows.

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export async function read(path) {
  let response;
  try {
    response = await fetch(path);
  } catch {
    throw Object.assign(new Error(`${location.host} does not respond.`), { unreachable: true });
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? body.detail ?? `${path}: HTTP status ${response.status}`);
  return body;
}
