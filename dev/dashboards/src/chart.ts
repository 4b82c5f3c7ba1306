// A time series in a panel, by uPlot.

import uPlot from 'uplot';
import { format, type Panel, type Range } from './model';
import type { Series } from './prometheus';

export interface Line {
  name: string;
  series: Series;
}

const LINES = 12;

/** The colour of line number `index`: twelve of them, each readable on both backgrounds. */
export function colour(index: number): string {
  return `var(--line-${index % LINES})`;
}

/** Draws the lines into `place`, which has a size, and returns what frees the chart. */
export function draw(place: HTMLElement, panel: Panel, lines: Line[], at: Range): () => void {
  const { unit, min, max, decimals, custom } = panel.fieldConfig?.defaults ?? {};
  const style = getComputedStyle(place);
  const read = (name: string) => style.getPropertyValue(name).trim();
  const stacked = custom?.stacking?.mode === 'normal';
  const fill = Math.round(((stacked ? 30 : (custom?.fillOpacity ?? 0)) / 100) * 255);
  const axis = { stroke: read('--soft'), grid: { stroke: read('--line'), width: 1 }, ticks: { show: false }, font: '12px system-ui' };
  const chart = new uPlot(
    {
      width: place.clientWidth,
      height: place.clientHeight,
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      scales: {
        x: { time: true, range: [at.from, at.to] },
        y: { range: (_, low, high) => bounds(low, high, min, max) },
      },
      axes: [{ ...axis, space: 90, values: (_, ticks) => ticks.map((tick) => clock(tick, at)) }, { ...axis, size: 68, values: (_, ticks) => ticks.map((tick) => format(tick, unit, decimals)) }],
      series: [
        {},
        ...lines.map((line, index) => {
          const stroke = read(`--line-${index % LINES}`);
          return { label: line.name, stroke, width: 1.5, fill: fill ? stroke + fill.toString(16).padStart(2, '0') : undefined, points: { show: false } };
        }),
      ],
      hooks: { setCursor: [(chart) => show(place, chart, panel, lines)] },
    },
    align(lines, at, stacked),
    place,
  );
  const resized = new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: place.clientHeight }));
  resized.observe(place);
  return () => {
    resized.disconnect();
    chart.destroy();
  };
}

/** A moment on the axis of times, with its day where the range is longer than one. */
function clock(tick: number, at: Range): string {
  const moment = new Date(tick * 1000);
  const time = moment.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', ...(at.to - at.from < 300 ? { second: '2-digit' } : {}) });
  return at.to - at.from > 86_400 ? `${moment.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${time}` : time;
}

function bounds(low: number | null, high: number | null, min: number | undefined, max: number | undefined): [number, number] {
  const bottom = min ?? Math.min(low ?? 0, 0);
  // A flat line at zero lies on the axis, not in the middle.
  const top = max ?? Math.max((high ?? 0) * 1.05, bottom === (high ?? bottom) ? bottom + 1 : bottom);
  return [bottom, top];
}

/** One column a step; a step without a sample is a gap. Stacked lines are sums of those before them. */
function align(lines: Line[], at: Range, stacked: boolean): uPlot.AlignedData {
  const count = Math.round((at.to - at.from) / at.step) + 1;
  const times = Array.from({ length: count }, (_, index) => at.from + index * at.step);
  const sums = new Array<number>(count).fill(0);
  const columns = lines.map(({ series }) => {
    const column = new Array<number | null>(count).fill(null);
    for (const [time, value] of series.points) {
      const index = Math.round((time - at.from) / at.step);
      if (index >= 0 && index < count && Number.isFinite(value)) column[index] = value;
    }
    if (stacked) column.forEach((value, index) => (column[index] = value === null ? null : (sums[index]! += value)));
    return column;
  });
  return [times, ...columns];
}

/** Writes the values under the cursor into the legend, or the last ones. */
function show(place: HTMLElement, chart: uPlot, panel: Panel, lines: Line[]): void {
  const time = chart.cursor.idx === null || chart.cursor.idx === undefined ? undefined : chart.data[0][chart.cursor.idx];
  const values = place.parentElement?.querySelectorAll<HTMLElement>('.legend output') ?? [];
  lines.forEach(({ series }, index) => {
    const point = time === undefined ? series.points.at(-1) : series.points.find(([at]) => Math.abs(at - time) < 0.5);
    const output = values[index];
    if (output) output.textContent = written(panel, point?.[1]);
  });
}

/** A value as the panel's unit has it. */
export function written(panel: Panel, value: number | undefined): string {
  const { unit, decimals } = panel.fieldConfig?.defaults ?? {};
  return value === undefined ? '–' : format(value, unit, decimals);
}
