/** Amounts, dates and names as people read them. */
import type { OptionValue } from './types';

/** An amount in its currency, e.g. $1,299.90. */
export function money(amount: string | null, currency: string | null): string {
  if (amount === null || currency === null) return '–';
  return new Intl.NumberFormat(undefined, { style: 'currency', currency }).format(amount as unknown as number);
}

/** From the least to the greatest price. */
export function prices(least: string, greatest: string, currency: string): string {
  return Number(least) === Number(greatest) ? money(least, currency) : `from ${money(least, currency)}`;
}

/** A moment in the reader's own time. */
export function dateTime(iso: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
}

/** E.g. "Red, M"; empty for what has no options. */
export function optionWords(options: OptionValue[]): string {
  return options.map(({ value }) => value).join(', ');
}

/** A country's name in the reader's language. */
export function country(code: string): string {
  return new Intl.DisplayNames(undefined, { type: 'region' }).of(code) ?? code;
}

/** A rate in percent without trailing zeros, e.g. 8.1 %. */
export function percent(rate: string): string {
  return `${Number(rate)}\u00a0%`;
}
