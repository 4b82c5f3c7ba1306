/** Pages by path: links change the path without loading the document again. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const moved = new EventTarget();

/** Opens a path of this shop. */
export function open(path: string, { replace = false } = {}): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', path);
  moved.dispatchEvent(new Event('move'));
}

/** The present location; renders again when it changes. */
export function useLocation(): URL {
  const [url, setUrl] = useState(new URL(location.href));
  useEffect(() => {
    const update = (): void => setUrl(new URL(location.href));
    moved.addEventListener('move', update);
    window.addEventListener('popstate', update);
    return () => {
      moved.removeEventListener('move', update);
      window.removeEventListener('popstate', update);
    };
  }, []);
  return url;
}

/** A link within the shop. */
export function Link({ to, children, ...rest }: { to: string; children: ComponentChildren; class?: string }) {
  const follow = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    open(to);
    window.scrollTo(0, 0);
  };
  return <a href={to} onClick={follow} {...rest}>{children}</a>;
}
