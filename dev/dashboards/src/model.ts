// The parts of Grafana's dashboard JSON that this page shows, and how Grafana reads times, variables and legends.

export interface Target {
  refId: string;
  expr: string;
  legendFormat?: string;
  instant?: boolean;
}

export interface Threshold {
  color: string;
  value: number | null;
}

export interface Panel {
  id: number;
  type: string;
  title?: string;
  description?: string;
  gridPos: { h: number; w: number; x: number; y: number };
  datasource?: { type: string; uid: string };
  targets?: Target[];
  fieldConfig?: {
    defaults: {
      unit?: string;
      decimals?: number;
      min?: number;
      max?: number;
      thresholds?: { steps: Threshold[] };
      custom?: { fillOpacity?: number; stacking?: { mode: string } };
    };
    overrides: unknown[];
  };
}

export interface Variable {
  type: string;
  name: string;
  label?: string;
  query: string | { query: string };
  current?: { value: string };
}

export interface Dashboard {
  uid: string;
  title: string;
  refresh?: string | false;
  time: { from: string; to: string };
  templating: { list: Variable[] };
  panels: Panel[];
}

export type Values = Readonly<Record<string, string>>;

/** From and to in seconds, and the distance of two points. */
export interface Range {
  from: number;
  to: number;
  step: number;
}

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** "90s" or "1h" in seconds; throws for other texts. */
export function seconds(text: string): number {
  const match = /^(\d+)([smhdw])$/.exec(text);
  if (!match) throw new Error(`not a duration: ${text}`);
  return Number(match[1]) * SECONDS[match[2]!]!;
}

/** "now", "now-1h", or milliseconds since 1970, in seconds since 1970. */
export function time(text: string, now: number): number {
  if (text === 'now') return now;
  if (text.startsWith('now-')) return now - seconds(text.slice(4));
  if (/^\d{10,}$/.test(text)) return Number(text) / 1000;
  throw new Error(`not a time: ${text}`);
}

/** The range with a step for `width` points, never below the scrape interval; both ends are multiples of the step. */
export function range(from: string, to: string, now: number, width: number, scrape: number): Range {
  const [first, last] = [time(from, now), time(to, now)];
  if (first >= last) throw new Error(`${from} is not before ${to}`);
  const step = Math.max(scrape, Math.ceil((last - first) / width / scrape) * scrape);
  return { from: Math.floor(first / step) * step, to: Math.floor(last / step) * step, step };
}

/** Replaces variables; `$__rate_interval` holds at least four scrapes, as in Grafana. Throws for a variable that is not defined. */
export function interpolate(text: string, values: Values, at: Range, scrape: number): string {
  const known: Values = {
    ...values,
    __interval: `${at.step}s`,
    __rate_interval: `${Math.max(at.step + scrape, 4 * scrape)}s`,
    __range: `${Math.round(at.to - at.from)}s`,
  };
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) => {
    const name = braced ?? plain ?? '';
    const value = known[name];
    if (value === undefined) throw new Error(`unknown variable $${name}`);
    return value;
  });
}

/** The name of a series: its legend format, or its labels. */
export function legend(labels: Values, format: string | undefined): string {
  if (format) return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => labels[name] ?? '').trim();
  const { __name__: name = '', ...others } = labels;
  const listed = Object.entries(others).map(([label, value]) => `${label}="${value}"`);
  return name + (listed.length ? `{${listed.join(', ')}}` : '');
}

const DURATIONS: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
  [1e-3, 'ms'],
  [1e-6, 'µs'],
];
const SUFFIX: Values = { ops: ' /s', reqps: ' req/s', cps: ' /s', opm: ' /min', percentunit: ' %', percent: ' %', short: '', none: '' };

/** A value in its unit, with three significant digits or the panel's decimals. */
export function format(value: number, unit = 'short', decimals?: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '–' : String(value);
  if (unit === 's') {
    const [size, name] = DURATIONS.find(([size]) => Math.abs(value) >= size) ?? [1, 's'];
    return `${digits(value / size, decimals)} ${name}`;
  }
  if (unit === 'bytes') {
    const power = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.abs(value) || 1) / 10)));
    return `${digits(value / 1024 ** power, decimals)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
  }
  return digits(unit === 'percentunit' ? value * 100 : value, decimals) + (SUFFIX[unit] ?? ` ${unit}`);
}

function digits(value: number, decimals: number | undefined): string {
  if (decimals !== undefined) return value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return value.toLocaleString('en', { maximumSignificantDigits: Math.abs(value) >= 1000 ? 6 : 3 });
}
