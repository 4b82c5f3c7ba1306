/** One product: its variants, and the button that puts it into the cart. */
import { useEffect, useState } from 'preact/hooks';
import { request, requestAsBuyer } from '../api';
import { ApiError } from '../errors';
import { money, optionWords, prices } from '../format';
import { Failure, Heading, Loading, Picture, useAction, useLoaded } from '../parts';
import { Link } from '../router';
import { useStore } from '../store';
import type { Cart, Page, Product, Variant } from '../types';

export function ProductPage({ id }: { id: string }) {
  const { data: product, failure } = useLoaded(id, () => loadProduct(id));
  if (failure) return <main class="page"><Heading>Product</Heading><Failure text={failure} /></main>;
  if (!product) return <Loading />;
  return product === 'gone' ? (
    <main class="page"><Heading>Not sold any more</Heading><p><Link to="/">Look at everything else</Link></p></main>
  ) : (
    <main class="page">
      <div class="product">
        <Picture images={product.images} large />
        <div>
          <Heading>{product.name}</Heading>
          {product.category && <p><Link to={`/?category=${product.category.slug}`}>{product.category.name}</Link></p>}
          <p>{product.description}</p>
          <Choice product={product} />
        </div>
      </div>
    </main>
  );
}

/** The product with all its variants, or "gone". */
async function loadProduct(id: string): Promise<Product | 'gone'> {
  const { product } = await request<{ product: Product | null }>('Product', { id }).catch((error: unknown) => {
    if (error instanceof ApiError && error.unknown) return { product: null };
    throw error;
  });
  if (!product) return 'gone';
  let page = product.variants;
  const variants = page?.nodes ?? [];
  while (page?.pageInfo.hasNextPage) {
    const more: { product: { variants: Page<Variant> | null } | null } = await request('MoreVariants', { id, after: page.pageInfo.endCursor });
    page = more.product?.variants ?? null;
    variants.push(...(page?.nodes ?? []));
  }
  return { ...product, variants: { nodes: variants, pageInfo: { hasNextPage: false, endCursor: null } } };
}

function Choice({ product }: { product: Product }) {
  const variants = product.variants?.nodes ?? [];
  const [chosen, setChosen] = useState<Record<string, string>>({});
  const [quantity, setQuantity] = useState(1);
  const [added, setAdded] = useState('');
  const { setCart } = useStore();
  const { busy, failure, run } = useAction();
  useEffect(() => {
    const first = variants.find(({ available }) => available) ?? variants[0];
    setChosen(Object.fromEntries(first?.options.map(({ name, value }) => [name, value]) ?? []));
  }, [product.id]);

  const variant = variants.find(({ options }) => options.every(({ name, value }) => chosen[name] === value));
  const exists = (name: string, value: string): boolean =>
    variants.some(({ options }) => options.every((option) => (option.name === name ? option.value === value : chosen[option.name] === option.value)));
  const add = (): Promise<void> =>
    run(async () => {
      setAdded('');
      const variables = { lines: [{ id: variant!.id, quantity }], idempotencyKey: crypto.randomUUID() };
      setCart((await requestAsBuyer<{ addToCart: Cart }>('AddToCart', variables)).addToCart);
      setAdded(`${quantity} × ${product.name} ${optionWords(variant!.options)} is in your cart.`);
    });

  return (
    <form onSubmit={(event) => { event.preventDefault(); void add(); }}>
      {product.options.map(({ name, values }) => (
        <fieldset key={name} class="options">
          <legend>{name}</legend>
          {values.map((value) => (
            <label key={value} class={exists(name, value) ? '' : 'missing'}>
              <input type="radio" name={name} checked={chosen[name] === value} onChange={() => setChosen({ ...chosen, [name]: value })} />
              <span>{value}</span>
            </label>
          ))}
        </fieldset>
      ))}
      <p class="price">
        {variant ? money(variant.price, product.currency) : prices(product.price, product.priceMax, product.currency)}
        {variant?.compareAtPrice && <> <s>{money(variant.compareAtPrice, product.currency)}</s></>}
      </p>
      {variant ? (
        <p class={variant.available ? 'good' : 'badge'}>{variant.available ? 'In stock' : 'Sold out'}</p>
      ) : (
        <p class="badge">This combination does not exist. Choose another one.</p>
      )}
      <div class="bar">
        <label class="quantity">
          Quantity <input type="number" min={1} max={variant?.maxPerOrder ?? 100} value={quantity} required onInput={({ currentTarget }) => setQuantity(currentTarget.valueAsNumber)} />
        </label>
        <button disabled={busy || !variant?.available}>Add to cart</button>
      </div>
      <Failure text={failure} />
      <p role="status" class="good">{added} {added && <Link to="/cart">Go to the cart</Link>}</p>
    </form>
  );
}
