import { type RefCallback, useCallback, useState } from "react";

/** The width of an element in pixels, as it changes; `initial` until it is known. */
export const useWidth = (initial: number): [RefCallback<HTMLElement>, number] => {
  const [width, setWidth] = useState(initial);
  const watch = useCallback((element: HTMLElement | null) => {
    if (element === null || typeof ResizeObserver === "undefined") return undefined;
    const observer = new ResizeObserver(([entry]) => {
      const measured = Math.floor(entry?.contentRect.width ?? 0);
      if (measured > 0) setWidth(measured);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [watch, width];
};
