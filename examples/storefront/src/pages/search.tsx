/** Browse and search, with facets. */
import { useRef, useState } from 'preact/hooks';
import { request } from '../api';
import { prices } from '../format';
import { Failure, Heading, Pages, Picture, useLoaded } from '../parts';
import { Link, open, useLocation } from '../router';
import { useStore } from '../store';
import type { Facet, ProductCard, SearchResult } from '../types';

const SORTS = { RELEVANCE: 'Best match', NEWEST: 'Newest', PRICE_ASC: 'Price, lowest first', PRICE_DESC: 'Price, highest first', NAME_ASC: 'Name' };

// Values of a filter that are shown at once.
const FEW = 12;

export function SearchPage() {
  const parameters = useLocation().searchParams;
  const { categories } = useStore();
  const { data, failure } = useLoaded(parameters.toString(), () => searchWithFacets(parameters));
  // The filters stay in place while the next results load, so that the focus stays on the one that was clicked.
  const facets = useRef<Facet[]>([]);
  if (data) facets.current = data.facets ?? [];
  const chosen = categories.filter(({ slug }) => parameters.getAll('category').includes(slug)).map(({ name }) => name);
  const query = parameters.get('q');
  const title = query ? `Results for ${query}` : chosen.join(', ') || 'Everything';
  return (
    <main class="page">
      <Heading>{title}</Heading>
      <Failure text={failure} />
      <div class="with-side">
        <Facets facets={facets.current} parameters={parameters} />
        <section aria-label="Products" aria-busy={!data && !failure}>
          <div class="bar">
            <p role="status">{data ? found(data.totalCount) : failure ? '' : 'Searching …'}</p>
            <label>
              Sort by{' '}
              <select value={parameters.get('sort') ?? 'RELEVANCE'} onChange={({ currentTarget }) => change(parameters, 'sort', currentTarget.value)}>
                {Object.entries(SORTS).map(([value, name]) => <option key={value} value={value}>{name}</option>)}
              </select>
            </label>
          </div>
          {data?.totalCount === 0 && <p>Nothing matches. Remove a filter, or search with fewer words.</p>}
          {data && <Pages key={parameters.toString()} class="grid" first={data} load={(after) => search(parameters, after)} show={(product) => <li key={product.id}><Card product={product} /></li>} />}
        </section>
      </div>
    </main>
  );
}

function found(count: number | null): string {
  if (count === null) return 'More than 10,000 products';
  return count === 1 ? '1 product' : `${count.toLocaleString()} products`;
}

function Card({ product }: { product: ProductCard }) {
  return (
    <Link to={`/products/${product.id}`} class="card">
      <Picture images={product.images} />
      <span class="name">{product.name}</span>
      <span>{prices(product.price, product.priceMax, product.currency)}</span>
      {!product.available && <span class="badge">Sold out</span>}
    </Link>
  );
}

function Facets({ facets, parameters }: { facets: Facet[]; parameters: URLSearchParams }) {
  const shown = facets.filter(({ name, values }) => values.length > 0 && (name === 'category' || name.startsWith('option.')));
  return (
    <aside aria-label="Filters">
      <label class="check">
        <input type="checkbox" checked={parameters.has('available')} onChange={({ currentTarget }) => change(parameters, 'available', currentTarget.checked ? '1' : '')} />
        In stock
      </label>
      {shown.map((facet) => <FacetGroup key={facet.name} facet={facet} parameters={parameters} />)}
    </aside>
  );
}

function FacetGroup({ facet, parameters }: { facet: Facet; parameters: URLSearchParams }) {
  const { categories } = useStore();
  const nameOf = (value: string): string => (facet.name === 'category' ? categories.find(({ slug }) => slug === value)?.name ?? value : value);
  const title = facet.name === 'category' ? 'Category' : facet.name.slice('option.'.length);
  const chosen = parameters.getAll(facet.name);
  const [all, setAll] = useState(false);
  const shown = facet.values.filter(({ value }, index) => all || index < FEW || chosen.includes(value));
  const toggle = (value: string): void => {
    const next = without(parameters, facet.name);
    for (const each of chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value]) next.append(facet.name, each);
    open(`/?${next}`);
  };
  return (
    <details open={chosen.length > 0 || window.innerWidth > 720}>
      <summary>{title}</summary>
      {shown.map(({ value, count }) => (
        <label key={value} class="check">
          <input type="checkbox" checked={chosen.includes(value)} onChange={() => toggle(value)} />
          {nameOf(value)} <small>{count}</small>
        </label>
      ))}
      {facet.values.length > FEW && <button type="button" class="link" aria-expanded={all} onClick={() => setAll(!all)}>{all ? 'Show fewer' : `Show all ${facet.values.length}`}<span class="hidden"> of {title}</span></button>}
    </details>
  );
}

function change(parameters: URLSearchParams, name: string, value: string): void {
  const next = without(parameters, name);
  if (value) next.set(name, value);
  open(`/?${next}`);
}

/** A chosen filter is counted without itself, so that more of its values can be chosen. */
async function searchWithFacets(parameters: URLSearchParams): Promise<SearchResult> {
  const chosen = [...new Set(parameters.keys())].filter((name) => name === 'category' || name.startsWith('option.'));
  const [found, ...others] = await Promise.all([parameters, ...chosen.map((name) => without(parameters, name))].map((one) => search(one, null)));
  const counted = new Map(found!.facets?.map((facet) => [facet.name, facet]));
  chosen.forEach((name, index) => {
    const values = others[index]!.facets?.find((facet) => facet.name === name)?.values ?? [];
    const missing = parameters.getAll(name).filter((value) => !values.some((one) => one.value === value));
    counted.set(name, { name, values: [...values, ...missing.map((value) => ({ value, count: 0 }))] });
  });
  return { ...found!, facets: [...counted.values()] };
}

function without(parameters: URLSearchParams, name: string): URLSearchParams {
  const rest = new URLSearchParams(parameters);
  rest.delete(name);
  return rest;
}

async function search(parameters: URLSearchParams, after: string | null): Promise<SearchResult> {
  const options = [...new Set(parameters.keys())].filter((name) => name.startsWith('option.'));
  const filter = {
    categories: parameters.has('category') ? parameters.getAll('category') : null,
    available: parameters.has('available') ? true : null,
    options: options.length ? options.map((name) => ({ name: name.slice('option.'.length), values: parameters.getAll(name) })) : null,
  };
  const variables = { query: parameters.get('q'), filter, sort: parameters.get('sort') ?? 'RELEVANCE', after };
  return (await request<{ products: SearchResult }>('Search', variables)).products;
}
