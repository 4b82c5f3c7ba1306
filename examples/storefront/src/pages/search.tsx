/** Browse and search, with facets. */
import { useRef } from 'preact/hooks';
import { request } from '../api';
import { prices } from '../format';
import { Failure, Heading, Pages, Picture, useLoaded } from '../parts';
import { Link, open, useLocation } from '../router';
import { useStore } from '../store';
import type { Facet, ProductCard, SearchResult } from '../types';

const SORTS = { RELEVANCE: 'Best match', NEWEST: 'Newest', PRICE_ASC: 'Price, lowest first', PRICE_DESC: 'Price, highest first', NAME_ASC: 'Name' };

export function SearchPage() {
  const parameters = useLocation().searchParams;
  const { categories } = useStore();
  const { data, failure } = useLoaded(parameters.toString(), () => search(parameters, null));
  // The filters stay in place while the next results load, so that the focus stays on the one that was clicked.
  const facets = useRef<Facet[]>([]);
  if (data) facets.current = data.facets ?? [];
  const category = categories.find(({ slug }) => slug === parameters.get('category'));
  const query = parameters.get('q');
  const title = query ? `Results for ${query}` : category ? category.name : 'Everything';
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
  const toggle = (value: string): void => {
    const next = new URLSearchParams(parameters);
    next.delete(facet.name);
    for (const each of chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value]) next.append(facet.name, each);
    open(`/?${next}`);
  };
  return (
    <details open={chosen.length > 0 || window.innerWidth > 720}>
      <summary>{title}</summary>
      {facet.values.slice(0, 12).map(({ value, count }) => (
        <label key={value} class="check">
          <input type="checkbox" checked={chosen.includes(value)} onChange={() => toggle(value)} />
          {nameOf(value)} <small>{count}</small>
        </label>
      ))}
    </details>
  );
}

function change(parameters: URLSearchParams, name: string, value: string): void {
  const next = new URLSearchParams(parameters);
  if (value) next.set(name, value);
  else next.delete(name);
  open(`/?${next}`);
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
