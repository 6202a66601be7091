import type { RefObject } from "react";
import { useEffect, useRef, useState } from "react";

/** Within so many pixels of the end a reader follows what comes. */
const nearPx = 80;

export interface StickToEnd {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly content: RefObject<HTMLDivElement | null>;
  /** The reader has scrolled up and is not followed. */
  readonly away: boolean;
  readonly toEnd: () => void;
}

/** Keeps a log at its end while it grows, unless the reader has scrolled up. */
export function useStickToEnd(): StickToEnd {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const [away, setAway] = useState(false);
  const following = useRef(true);
  const toEnd = (): void => {
    following.current = true;
    setAway(false);
    const element = scroller.current;
    element?.scrollTo({ top: element.scrollHeight });
  };
  useEffect(() => {
    const element = scroller.current;
    const inner = content.current;
    if (element === null || inner === null) return undefined;
    let lastTop = element.scrollTop;
    const onScroll = (): void => {
      const left = element.scrollHeight - element.scrollTop - element.clientHeight;
      const up = element.scrollTop < lastTop;
      lastTop = element.scrollTop;
      // Growth alone also leaves the end behind; only a movement upwards is the reader's.
      if (left <= nearPx) following.current = true;
      else if (up) following.current = false;
      setAway(!following.current);
    };
    const follow = (): void => {
      if (following.current) element.scrollTop = element.scrollHeight;
    };
    const observer = new ResizeObserver(follow);
    observer.observe(inner);
    observer.observe(element);
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", onScroll);
    };
  }, []);
  return { scroller, content, away, toEnd };
}
