// The page: /d/UID?from=now-1h&to=now&refresh=10s&var-NAME=VALUE, as in Grafana. Its server gives it the files of deploy/grafana.

import 'uplot/dist/uPlot.min.css';
import { element } from './element';
import { type Dashboard, range, seconds, type Values, type Variable } from './model';
import { PanelView } from './panels';
import { labelValues } from './prometheus';

interface Config {
  scrape: number;
  dashboards: { uid: string; title: string }[];
}

const RANGES: Values = { 'now-5m': '5 minutes', 'now-15m': '15 minutes', 'now-1h': '1 hour', 'now-6h': '6 hours', 'now-24h': '24 hours', 'now-7d': '7 days' };
const REFRESHES: Values = { '': 'off', '5s': '5 s', '10s': '10 s', '30s': '30 s', '1m': '1 min' };

const json = async <T>(path: string): Promise<T> => {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${(await response.text()).trim()}`);
  return (await response.json()) as T;
};

/** A labelled list to choose from; a value that it does not have is added, because the file may say another one. */
function choice(label: string, options: Values, current: string, changed: (value: string) => void): HTMLElement {
  const select = element('select', {});
  for (const [value, text] of Object.entries({ ...(current in options ? {} : { [current]: current }), ...options }))
    select.append(element('option', value === current ? { value, selected: '' } : { value }, text));
  select.addEventListener('change', () => changed(select.value));
  return element('label', {}, label, select);
}

async function options(variable: Variable): Promise<string[]> {
  const text = typeof variable.query === 'string' ? variable.query : variable.query.query;
  if (variable.type === 'custom') return text.split(',').map((value) => value.trim());
  if (variable.type === 'query') return labelValues(text);
  throw new Error(`This page does not know variables of type "${variable.type}".`);
}

class Page {
  private readonly chosen = new URLSearchParams(location.search);
  private readonly values: Record<string, string> = {};
  private readonly views: PanelView[];
  private timer = 0;

  constructor(
    private readonly config: Config,
    private readonly dashboard: Dashboard,
  ) {
    this.views = dashboard.panels.map((panel) => new PanelView(panel));
  }

  async open(app: HTMLElement): Promise<void> {
    document.title = this.dashboard.title;
    const links = this.config.dashboards.map(({ uid, title }) =>
      element('a', { href: `/d/${uid}`, ...(uid === this.dashboard.uid ? { 'aria-current': 'page' } : {}) }, title.replace(/^Souk: /, '')),
    );
    const controls = element('form', { class: 'controls' });
    for (const variable of this.dashboard.templating.list) controls.append(await this.variable(variable));
    controls.append(
      choice('Last', RANGES, this.get('from', this.dashboard.time.from), (value) => this.set('from', value)),
      choice('Refresh', REFRESHES, this.get('refresh', this.dashboard.refresh || ''), (value) => this.set('refresh', value)),
    );
    const grid = element('div', { class: 'grid' }, ...this.views.map((view) => view.frame));
    const heading = element('div', { class: 'heading' }, element('h1', {}, this.dashboard.title), controls);
    app.replaceChildren(element('header', {}, element('nav', { 'aria-label': 'Dashboards' }, ...links)), element('main', {}, heading, grid));
    document.addEventListener('visibilitychange', () => this.schedule());
    await this.refresh();
  }

  /** Loads every panel, then waits for the refresh interval. A page that is not visible asks for nothing. */
  private async refresh(): Promise<void> {
    const width = document.querySelector('.body')?.clientWidth ?? 600;
    const { scrape } = this.config;
    const at = range(this.get('from', this.dashboard.time.from), this.get('to', this.dashboard.time.to), Date.now() / 1000, width / 2, scrape);
    await Promise.all(this.views.map((view) => view.load({ at, values: this.values, scrape })));
    document.body.dataset.loaded = String(Number(document.body.dataset.loaded ?? 0) + 1);
    this.schedule();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const every = this.get('refresh', this.dashboard.refresh || '');
    if (every && !document.hidden) this.timer = window.setTimeout(() => void this.refresh().catch(fail), seconds(every) * 1000);
  }

  private async variable(variable: Variable): Promise<HTMLElement> {
    const listed = await options(variable);
    const current = this.get(`var-${variable.name}`, variable.current?.value ?? listed[0] ?? '');
    this.values[variable.name] = current;
    const texts = Object.fromEntries(listed.map((value) => [value, value]));
    return choice(variable.label ?? variable.name, texts, current, (value) => {
      this.values[variable.name] = value;
      this.set(`var-${variable.name}`, value);
    });
  }

  private get(name: string, otherwise: string): string {
    return this.chosen.get(name) ?? otherwise;
  }

  private set(name: string, value: string): void {
    this.chosen.set(name, value);
    history.replaceState(null, '', `?${this.chosen}`);
    void this.refresh().catch(fail);
  }
}

function fail(error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  document.querySelector('main')!.prepend(element('p', { class: 'failure', role: 'alert' }, text));
}

async function main(): Promise<void> {
  const config = await json<Config>('/config.json');
  const uid = /^\/d\/([\w-]+)/.exec(location.pathname)?.[1] ?? config.dashboards[0]?.uid;
  await new Page(config, await json<Dashboard>(`/dashboards/${uid}.json`)).open(document.querySelector<HTMLElement>('#app')!);
}

main().catch(fail);
