import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";
import type { Line, MetricDefinition } from "../src/model/logs";

configure({ asyncUtilTimeout: 20_000, getElementError: (message) => new Error(message?.split("\n")[0]) });

afterEach(() => {
  cleanup();
});

/** jsdom measures nothing: charts keep the widths that they begin with. */
class NoResizeObserver implements ResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}

globalThis.ResizeObserver ??= NoResizeObserver;
if (typeof Element !== "undefined") {
  Element.prototype.scrollTo ??= () => {};
  Element.prototype.scrollIntoView ??= () => {};
}

/** jsdom has no workers: this one answers at once, as `curves.worker.ts` does apart from the page. */
vi.mock("../src/data/curves.worker?worker&inline", async () => {
  const { curvesOf } = await import("../src/model/logs");
  return {
    default: class extends EventTarget {
      postMessage({ lines, definitions }: { lines: Line[]; definitions: MetricDefinition[] }) {
        const data = curvesOf(lines, definitions);
        queueMicrotask(() => this.dispatchEvent(new MessageEvent("message", { data })));
      }
      terminate() {}
    },
  };
});
