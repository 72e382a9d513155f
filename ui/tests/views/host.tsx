import { ChakraProvider, defaultSystem } from "@chakra-ui/react";
import { render } from "@testing-library/react";
import axe from "axe-core";
import type { ReactNode } from "react";
import { MemoryRouter } from "react-router-dom";
import { vi } from "vitest";
import { type Host, mockFetch } from "../mock";

/** Draws a view as Airflow's page would, with a host that answers. */
export const show = (view: ReactNode, host: Partial<Host>) => {
  const whole: Host = { runs: [], asked: [], ...host };
  vi.stubGlobal("fetch", mockFetch(whole));
  const drawn = render(
    <ChakraProvider value={defaultSystem}>
      <MemoryRouter>{view}</MemoryRouter>
    </ChakraProvider>,
  );
  return { ...drawn, host: whole };
};

/** What axe finds serious or critical. Colours are looked at in a browser: jsdom draws nothing. */
export const seriousProblems = async (element: Element): Promise<string[]> => {
  const { violations } = await axe.run(element, {
    rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
  });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
};
