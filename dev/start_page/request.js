// One request: a waterfall of its spans in all services, and its log lines.

import { element, read } from "/start/elements.js";

// What a line has anyway, or what is shown apart from the rest.
const SHOWN = new Set(["_msg", "_time", "_stream", "_stream_id", "service", "level", "logger"]);
// Workers and events follow within seconds; a developer waits for them after the first response.
const WAIT_MS = 2000;

const byId = (id) => document.querySelector(`#${id}`);

function milliseconds(microseconds) {
  return microseconds < 10_000 ? `${(microseconds / 1000).toFixed(2)} ms` : `${Math.round(microseconds / 1000)} ms`;
}

// Children below their parents, siblings by time; a span whose parent is not there is a root.
function ordered(spans) {
  const known = new Set(spans.map((span) => span.span_id));
  const children = Map.groupBy(spans, (span) => (known.has(span.parent_id) ? span.parent_id : ""));
  const rows = [];
  const add = (span, depth) => {
    rows.push({ span, depth });
    for (const child of children.get(span.span_id) ?? []) add(child, depth + 1);
  };
  for (const list of children.values()) list.sort((a, b) => a.start - b.start);
  for (const root of children.get("") ?? []) add(root, 0);
  return rows;
}

function details(record) {
  const fields = Object.entries(record).filter(([name]) => !SHOWN.has(name) && !["start", "duration"].includes(name));
  return element("dl", {}, ...fields.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, element("code", {}, String(value)))]));
}

function spanRow({ span, depth }, first, total) {
  const bar = element("span", { className: `bar ${span.error ? "error" : span.service}` });
  // By property, because the page's policy allows no style in markup.
  bar.style.left = `${(100 * (span.start - first)) / total}%`;
  bar.style.width = `${Math.max((100 * span.duration) / total, 0.3)}%`;
  const name = element("span", { className: "name" }, element("strong", {}, span.service), ` ${span._msg}`);
  name.style.paddingLeft = `${Math.min(depth, 8) * 0.7}rem`;
  const took = span.error ? `${milliseconds(span.duration)}, ${span.error}` : milliseconds(span.duration);
  const summary = element("summary", {}, name, element("span", { className: "track" }, bar), element("span", { className: "took" }, took));
  const row = element("div", { role: "listitem" }, element("details", {}, summary, details(span)));
  row.dataset.service = span.service;
  row.dataset.name = span._msg;
  return row;
}

function showSpans(spans) {
  for (const span of spans) Object.assign(span, { start: Number(span.start_us), duration: Number(span.duration_us) });
  const first = Math.min(...spans.map((span) => span.start));
  const total = Math.max(...spans.map((span) => span.start + span.duration)) - first || 1;
  byId("waterfall").replaceChildren(...ordered(spans).map((row) => spanRow(row, first, total)));
  return total;
}

function showLine(line) {
  const level = line.level && line.level !== "INFO" ? ` ${line.level}` : "";
  const summary = element("summary", {}, element("time", {}, line._time.slice(11, 23)), " ", element("strong", {}, line.service), `${level} ${line._msg}`);
  return element("li", { className: (line.level ?? "").toLowerCase() }, element("details", {}, summary, details(line)));
}

function show(found) {
  const { spans, lines } = found;
  byId("found").hidden = false;
  byId("lines").replaceChildren(...lines.map(showLine));
  byId("waterfall").replaceChildren();
  if (!spans.length && !lines.length) {
    byId("found-summary").replaceChildren(`Nothing has the id ${found.id}. Logs arrive a second or two after the request.`);
    return;
  }
  const total = spans.length ? `in ${milliseconds(showSpans(spans))}` : "(no spans: its trace was not sampled)";
  const traces = new Set(spans.map((span) => span.trace_id)).size;
  const cut = found.truncated ? " Only the first part is shown." : "";
  byId("found-summary").replaceChildren(
    `${spans.length} spans in ${traces} traces ${total}, ${lines.length} log lines.${cut} `,
    element("a", { href: found.logs }, "Open them in the log store"),
  );
}

async function find(id) {
  byId("id").value = id;
  for (const last of [false, true]) {
    try {
      show(await read(`/start/request.json?id=${encodeURIComponent(id)}`));
      byId("found-summary").className = "";
    } catch (error) {
      byId("found").hidden = false;
      byId("found-summary").textContent = `${error.message}.`.replace("..", ".");
      byId("found-summary").className = "failed";
    }
    // Once more, unless a row is open.
    if (last || document.querySelector("#found details[open]")) return;
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}

const id = new URLSearchParams(location.search).get("id")?.trim();
if (id) find(id);
