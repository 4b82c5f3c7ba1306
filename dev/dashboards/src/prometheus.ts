// Queries, passed on to Prometheus by the page's server.

import type { Range, Values } from './model';

export interface Series {
  labels: Values;
  points: [number, number][];
}

interface Found {
  metric: Values;
  value?: [number, string];
  values?: [number, string][];
}

/** The series of an expression over a range; one point each at its end if `instant`. Throws what Prometheus answers to a wrong one. */
export async function query(expr: string, at: Range, instant: boolean): Promise<Series[]> {
  const parameters: Values = instant
    ? { query: expr, time: String(at.to) }
    : { query: expr, start: String(at.from), end: String(at.to), step: String(at.step) };
  const data = (await get(instant ? 'query' : 'query_range', parameters)) as { resultType: string; result: Found[] };
  if (!['vector', 'matrix'].includes(data.resultType)) throw new Error(`the expression is a ${data.resultType}, not a vector`);
  return data.result.map((found) => ({
    labels: found.metric,
    points: (found.values ?? (found.value ? [found.value] : [])).map(([time, value]) => [time, Number(value)]),
  }));
}

/** The values of a label, for `label_values(metric, label)`. */
export async function labelValues(text: string): Promise<string[]> {
  const match = /^label_values\((?:(.+),\s*)?(\w+)\)$/.exec(text);
  if (!match) throw new Error(`unknown query of a variable: ${text}`);
  return (await get(`label/${match[2]}/values`, match[1] ? { 'match[]': match[1] } : {})) as string[];
}

async function get(path: string, parameters: Values): Promise<unknown> {
  const response = await fetch(`/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const body = (await response.json()) as { status: string; data: unknown; error?: string };
  if (body.status !== 'success') throw new Error(body.error ?? `status ${response.status}`);
  return body.data;
}
