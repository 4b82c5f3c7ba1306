// The start page: reads the parts of the stack while it is visible.

import { element, read } from "/start/elements.js";

const POLL_MS = 3000;
// What a developer opens first, in this order; the rest is listed as text.
const FIRST = ["Shop", "Playground", "Documentation", "Mails", "Dashboards", "Logs", "Prometheus"];

let timer = 0;
// Where the page is without the gateway.
let here = "";

function link(text) {
  return /^https?:/.test(text) ? element("a", { href: text }, text) : element("code", {}, text);
}

function showAddresses(addresses) {
  const names = [...FIRST.filter((name) => name in addresses), ...Object.keys(addresses).filter((name) => !FIRST.includes(name))];
  document.querySelector("#links").replaceChildren(
    ...names.map((name) => element("li", {}, element("strong", {}, name), link(addresses[name]))),
  );
}

function copyButton(label, text) {
  const button = element("button", { type: "button", ariaLabel: `Copy ${label}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser does not allow it";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  return button;
}

function showLogins(logins) {
  const rows = logins.map(({ name, email, password }) =>
    element(
      "li",
      {},
      element("strong", {}, name),
      element("span", {}, element("code", {}, email), " ", copyButton(`the email address of ${name}`, email)),
      element("span", {}, element("code", {}, password), " ", copyButton(`the password of ${name}`, password)),
    ),
  );
  document.querySelector("#logins").replaceChildren(...rows);
}

function cell(label, className, ...children) {
  const made = element("td", { className }, ...children);
  made.dataset.label = label;
  return made;
}

function row(part) {
  const kind = part.state.split(" ")[0];
  const memory = part.memory === null ? "-" : `${Math.round(part.memory / 1048576)} MiB`;
  const made = element(
    "tr",
    {},
    element("th", { scope: "row" }, part.name),
    cell("State", `state ${kind}`, part.state),
    cell("Address", "", element("code", {}, part.address)),
    cell("Memory", "number", memory),
    cell("Restarts", "number", String(part.restarts)),
    cell("Last log line", "line", element("code", {}, part.line || "-")),
  );
  made.dataset.part = part.name;
  return made;
}

function summarize(text, failed) {
  const summary = document.querySelector("#summary");
  if (summary.textContent !== text) summary.textContent = text;
  summary.className = failed ? "failed" : "";
}

async function showParts() {
  const { parts } = await read("/start/parts.json");
  document.querySelector("#parts").replaceChildren(...parts.map(row));
  const down = parts.filter((part) => !["ready", "replaced"].includes(part.state)).map((part) => `${part.name} is ${part.state}`);
  const memory = parts.reduce((sum, part) => sum + (part.memory ?? 0), 0);
  summarize(down.length ? down.join(", ") : `All ${parts.length} parts run, in ${Math.round(memory / 1048576)} MiB`, down.length > 0);
}

async function poll() {
  clearTimeout(timer);
  if (document.visibilityState !== "visible") return;
  try {
    if (!here) {
      const about = await read("/start/about.json");
      here = about.here;
      showAddresses(about.addresses);
      showLogins(about.logins);
    }
    await showParts();
  } catch (error) {
    const other = here && error.unreachable ? ` This page is also at ${here}, without the gateway.` : "";
    summarize(error.message + other, true);
  }
  clearTimeout(timer);
  timer = setTimeout(poll, POLL_MS);
}

document.addEventListener("visibilitychange", poll);
poll();
