/** How data that changes is read again. */

import { ApiError } from "./api";

/** Between two readings of what is under way. */
export const POLL_MILLISECONDS = 4000;

/** Between two looks at what is over: somebody may clear it, in another tab or on Airflow's page around this one. */
export const OVER_MILLISECONDS = 30_000;

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether asking again would be answered the same, until a person does something. */
export const isFinal = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 401 || error.status === 403 || error.status === 404);

/** Waits; ends at once when aborted. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** Waits until the page is seen, so that tabs in the background ask nothing. */
const untilVisible = (signal: AbortSignal): Promise<void> =>
  document.visibilityState !== "hidden"
    ? Promise.resolve()
    : new Promise((resolve) => {
        document.addEventListener("visibilitychange", () => resolve(), { once: true, signal });
        signal.addEventListener("abort", () => resolve());
      });

/**
 * Reads again and again, until it is aborted or an error is final.
 *
 * @param read what is done each time; tells whether what it read is over.
 * @param onError is told of each error.
 */
export const follow = async (
  read: () => Promise<{ isOver: boolean }>,
  onError: (message: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  let isOver = false;
  while (!signal.aborted) {
    try {
      ({ isOver } = await read());
    } catch (caught) {
      if (signal.aborted) return;
      onError(messageOf(caught));
      if (isFinal(caught)) return;
    }
    await pause(isOver ? OVER_MILLISECONDS : POLL_MILLISECONDS, signal);
    await untilVisible(signal);
  }
};
