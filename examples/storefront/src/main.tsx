/** The storefront: a page for each path, below one header. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { request } from './api';
import { Heading } from './parts';
import { AccountPage, SignInPage } from './pages/account';
import { CartPage } from './pages/cart';
import { CheckoutPage } from './pages/checkout';
import { FindOrderPage, hasToken, OrderLinkPage, ResetPasswordPage, VerifyEmailPage } from './pages/links';
import { OrderPage } from './pages/order';
import { ProductPage } from './pages/product';
import { SearchPage } from './pages/search';
import { Link, open, useLocation } from './router';
import { StoreProvider, useStore } from './store';

function App() {
  return (
    <StoreProvider>
      <Header />
      <CurrentPage />
      <footer>A demonstration shop on Souk. Nothing is sold, no card is charged.</footer>
    </StoreProvider>
  );
}

function CurrentPage() {
  const { pathname, hash } = useLocation();
  const [, first, id] = pathname.split('/');
  switch (first) {
    case '': return <SearchPage />;
    case 'products': return <ProductPage key={id} id={id ?? ''} />;
    case 'cart': return <CartPage />;
    case 'checkout': return <CheckoutPage />;
    case 'orders': return hasToken() || !id ? <OrderLinkPage key={hash} id={id} /> : <OrderPage key={id} id={id} />;
    case 'account': return <AccountPage />;
    case 'sign-in': return <SignInPage />;
    case 'find-order': return <FindOrderPage />;
    case 'reset-password': return <ResetPasswordPage key={hash} />;
    case 'verify-email': return <VerifyEmailPage key={hash} />;
    default: return <main class="page"><Heading>Page not found</Heading><p><Link to="/">To the shop</Link></p></main>;
  }
}

function Header() {
  const { cart, account } = useStore();
  const count = cart?.lines.reduce((sum, { quantity }) => sum + quantity, 0) ?? 0;
  return (
    <header>
      <Link to="/" class="brand">Souk</Link>
      <Search />
      <nav aria-label="Account">
        {account && <Link to="/account">{account.guest ? 'Your orders' : account.name}</Link>}
        {(!account || account.guest) && <Link to="/sign-in">Sign in</Link>}
        <Link to="/cart">Cart{count > 0 && <span class="count"> {count}<span class="hidden"> {count === 1 ? 'unit' : 'units'}</span></span>}</Link>
      </nav>
    </header>
  );
}

function Search() {
  const url = useLocation();
  const [text, setText] = useState(url.searchParams.get('q') ?? '');
  const [suggestions, setSuggestions] = useState<string[]>([]);
  useEffect(() => setText(url.searchParams.get('q') ?? ''), [url.searchParams.get('q')]);
  useEffect(() => {
    if (text.length < 2) return setSuggestions([]);
    let current = true;
    const timer = window.setTimeout(() => {
      // Suggestions only help; a search works without them.
      request<{ productSuggestions: string[] | null }>('Suggestions', { prefix: text }).then(
        ({ productSuggestions }) => current && setSuggestions(productSuggestions ?? []),
        () => current && setSuggestions([]),
      );
    }, 200);
    return () => {
      current = false;
      window.clearTimeout(timer);
    };
  }, [text]);
  const submit = (event: Event): void => {
    event.preventDefault();
    open(text.trim() ? `/?${new URLSearchParams({ q: text.trim() })}` : '/');
  };
  return (
    <form role="search" onSubmit={submit}>
      <input type="search" aria-label="Search products" placeholder="Search" list="suggestions" maxLength={200} value={text} onInput={({ currentTarget }) => setText(currentTarget.value)} />
      <datalist id="suggestions">{suggestions.map((name) => <option key={name} value={name} />)}</datalist>
      <button>Search</button>
    </form>
  );
}

render(<App />, document.getElementById('app')!);
