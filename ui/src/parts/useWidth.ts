import { type RefObject, useEffect, useRef, useState } from "react";

/** The width of an element in pixels, as it changes; `initial` until it is known. */
export const useWidth = <E extends HTMLElement>(initial: number): [RefObject<E | null>, number] => {
  const element = useRef<E>(null);
  const [width, setWidth] = useState(initial);
  useEffect(() => {
    const { current } = element;
    if (current === null || typeof ResizeObserver === "undefined") return undefined;
    const observer = new ResizeObserver(([entry]) => {
      const measured = Math.floor(entry?.contentRect.width ?? 0);
      if (measured > 0) setWidth(measured);
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return [element, width];
};
