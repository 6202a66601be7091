/** Which view the address names: `#/thread/ID`, `#/new`, else the list. */
import { useSyncExternalStore } from "react";

export type Route =
  | { readonly kind: "list" }
  | { readonly kind: "new" }
  | { readonly kind: "thread"; readonly threadId: string };

export function readRoute(hash: string): Route {
  const thread = /^#\/thread\/([^/]+)$/.exec(hash)?.[1];
  if (thread !== undefined) return { kind: "thread", threadId: decodeURIComponent(thread) };
  return { kind: hash === "#/new" ? "new" : "list" };
}

export const threadHref = (threadId: string): string => `#/thread/${encodeURIComponent(threadId)}`;

export function goTo(href: string): void {
  location.hash = href;
}

function onHashChange(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

export const useHash = (): string => useSyncExternalStore(onHashChange, () => location.hash);
