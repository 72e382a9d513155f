import { useCallback, useEffect, useRef, useState } from "react";

/** Something that is fetched only when a person asks for it. */
export interface Asked<T> {
  value: T | null;
  error: string | null;
  isBusy: boolean;
  ask: () => void;
}

export const useAsked = <T>(fetchIt: (signal: AbortSignal) => Promise<T>): Asked<T> => {
  const [state, setState] = useState<Omit<Asked<T>, "ask">>({ value: null, error: null, isBusy: false });
  const controller = useRef<AbortController | null>(null);
  const latest = useRef(fetchIt);
  latest.current = fetchIt;

  useEffect(() => () => controller.current?.abort(), []);

  const ask = useCallback(() => {
    controller.current?.abort();
    const mine = new AbortController();
    controller.current = mine;
    setState((before) => ({ ...before, error: null, isBusy: true }));
    latest.current(mine.signal).then(
      (value) => {
        if (!mine.signal.aborted) setState({ value, error: null, isBusy: false });
      },
      (caught: unknown) => {
        if (mine.signal.aborted) return;
        const error = caught instanceof Error ? caught.message : String(caught);
        setState((before) => ({ ...before, error, isBusy: false }));
      },
    );
  }, []);

  return { ...state, ask };
};
