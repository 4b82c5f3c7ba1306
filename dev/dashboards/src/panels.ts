// One panel of a dashboard: its frame, its queries, and what each type shows of them.

import { colour, draw, type Line, written } from './chart';
import { element } from './element';
import { interpolate, legend, type Panel, type Range, type Values } from './model';
import { query } from './prometheus';

export interface Context {
  at: Range;
  values: Values;
  scrape: number;
}

type Show = (body: HTMLElement, panel: Panel, lines: Line[], at: Range) => () => void;

const TYPES: Record<string, Show> = { timeseries: showSeries, stat: showStat };
const nothing = () => undefined;

/** A panel's frame in the page, and how its content is loaded and shown again. */
export class PanelView {
  readonly frame: HTMLElement;
  private readonly body = element('div', { class: 'body' });
  private free: () => void = nothing;
  private latest = 0;

  constructor(private readonly panel: Panel) {
    const { x, y, w, h } = panel.gridPos;
    this.frame = element('section', { class: `panel ${panel.type}`, 'data-id': String(panel.id) });
    this.frame.style.setProperty('--column', `${x + 1} / span ${w}`);
    this.frame.style.setProperty('--row', `${y + 1} / span ${h}`);
    this.frame.style.setProperty('--height', String(h));
    this.frame.append(element('h2', {}, panel.title ?? ''));
    if (panel.description) this.frame.append(element('p', { class: 'description', title: panel.description }, panel.description));
    if (panel.type !== 'row') this.frame.append(this.body);
  }

  /** Runs the queries and shows their results, or the error. An answer that a later call has overtaken is dropped. */
  async load(context: Context): Promise<void> {
    if (this.panel.type === 'row') return;
    const number = ++this.latest;
    try {
      const show = TYPES[this.panel.type];
      if (!show) throw new Error(`This page cannot show panels of type "${this.panel.type}".`);
      if (this.panel.fieldConfig?.overrides.length) throw new Error('This page cannot show overrides of fields.');
      const lines = await load(this.panel, context);
      if (number !== this.latest) return;
      this.clear(lines.length ? 'shown' : 'empty');
      if (lines.length) this.free = show(this.body, this.panel, lines, context.at);
      else this.body.append(element('p', { class: 'quiet' }, 'No data in this time range'));
    } catch (error) {
      if (number !== this.latest) return;
      this.clear('failed');
      this.body.append(element('p', { class: 'failure', role: 'alert' }, error instanceof Error ? error.message : String(error)));
    }
  }

  private clear(state: string): void {
    this.free();
    this.free = nothing;
    this.body.replaceChildren();
    this.frame.dataset.state = state;
  }
}

async function load(panel: Panel, { at, values, scrape }: Context): Promise<Line[]> {
  if (panel.datasource && panel.datasource.uid !== 'prometheus') throw new Error(`This page cannot query "${panel.datasource.uid}".`);
  const results = await Promise.all(
    (panel.targets ?? []).map(async (target) => {
      const found = await query(interpolate(target.expr, values, at, scrape), at, target.instant ?? false);
      return found.map((series) => ({ series, name: legend(series.labels, target.legendFormat && interpolate(target.legendFormat, values, at, scrape)) }));
    }),
  );
  return results.flat().filter(({ series }) => series.points.length);
}

function showSeries(body: HTMLElement, panel: Panel, lines: Line[], at: Range): () => void {
  const place = element('div', { class: 'chart' });
  const list = element('ul', { class: 'legend', tabindex: '0', 'aria-label': `Series of ${panel.title ?? 'the panel'}` });
  lines.forEach(({ name, series }, index) => {
    const mark = element('i', {});
    mark.style.background = colour(index);
    list.append(element('li', {}, mark, element('span', {}, name), element('output', {}, written(panel, series.points.at(-1)?.[1]))));
  });
  body.append(place, list);
  return draw(place, panel, lines, at);
}

function showStat(body: HTMLElement, panel: Panel, lines: Line[]): () => void {
  const steps = panel.fieldConfig?.defaults.thresholds?.steps ?? [];
  for (const { name, series } of lines) {
    const value = series.points.at(-1)?.[1];
    const step = steps.filter((step) => step.value === null || (value !== undefined && value >= step.value)).at(-1);
    const output = element('output', { class: `number ${step?.color ?? ''}` }, written(panel, value));
    body.append(element('p', { class: 'stat' }, output, element('span', {}, name)));
  }
  return nothing;
}
