/** What every page shares: the shop's settings, the account, and the cart. */
import { createContext, type ComponentChildren } from 'preact';
import { useContext, useEffect, useMemo, useState } from 'preact/hooks';
import { request, start, type Config } from './api';
import { ApiError } from './errors';
import type { Account, Cart, Category, Shop } from './types';

interface Store {
  config: Config;
  shop: Shop;
  categories: Category[];
  account: Account | null;
  cart: Cart | null;
  setCart: (cart: Cart | null) => void;
  /** Reads the cart again; its prices are those of now. */
  loadCart: () => Promise<void>;
}

const StoreContext = createContext<Store | null>(null);

/** The shared state. */
export function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error('useStore outside of StoreProvider');
  return store;
}

/** Loads the session, the shop and the cart, then shows its children. */
export function StoreProvider({ children }: { children: ComponentChildren }) {
  const [account, setAccount] = useState<Account | null>(null);
  const [cart, setCart] = useState<Cart | null>(null);
  const [loaded, setLoaded] = useState<{ config: Config; shop: Shop; categories: Category[] } | null>(null);
  const [failure, setFailure] = useState('');

  useEffect(() => {
    (async () => {
      const config = await start(setAccount);
      const { shop, categories } = await request<{ shop: Shop; categories: Category[] }>('Shop');
      setLoaded({ config, shop, categories });
    })().catch((error: unknown) => setFailure(error instanceof ApiError ? error.message : String(error)));
  }, []);

  const loadCart = async (): Promise<void> => {
    setCart(account ? (await request<{ cart: Cart | null }>('Cart')).cart : null);
  };
  useEffect(() => {
    // A cart that cannot be read now is read by the page that shows it, which says why.
    if (loaded) loadCart().catch(() => setCart(null));
  }, [loaded, account?.id]);

  const store = useMemo(() => loaded && { ...loaded, account, cart, setCart, loadCart }, [loaded, account, cart]);
  if (failure) return <main class="page"><h1>The shop is closed for a moment</h1><p role="alert">{failure}</p></main>;
  if (!store) return <main class="page" aria-busy="true"><h1 class="quiet">Loading the shop …</h1></main>;
  return <StoreContext.Provider value={store}>{children}</StoreContext.Provider>;
}
