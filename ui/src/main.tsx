/**
 * The bundle that Airflow's page imports: it leaves one component under the name of each tab on globalThis.
 *
 * React, Chakra and the router are the host's own.
 */

import { Component, type ReactNode } from "react";
import { ModelsTab } from "./views/ModelsTab";
import { SageMakerTab } from "./views/SageMakerTab";
import { StepTab } from "./views/StepTab";

/** What the host gives to each of its plugins' components, from the page's address. */
interface PluginProps {
  dagId?: string;
  runId?: string;
  taskId?: string;
  mapIndex?: string;
}

/** An error in one tab must not take Airflow's page with it. */
class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state as { error: Error | null };
    if (error === null) return this.props.children;
    return <p role="alert">This view failed to draw: {error.message}</p>;
  }
}

/** Airflow 3.1 has React plugins but does not share its components with them. */
const NeedsNewerAirflow = () => <p>This tab needs Airflow 3.2 or later.</p>;

const SageMaker = ({ dagId, runId }: PluginProps) =>
  dagId && runId ? (
    <Boundary key={JSON.stringify([dagId, runId])}>
      <SageMakerTab dagId={dagId} runId={runId} />
    </Boundary>
  ) : null;

const Models = ({ dagId }: PluginProps) =>
  dagId ? (
    <Boundary key={dagId}>
      <ModelsTab dagId={dagId} />
    </Boundary>
  ) : null;

const Step = ({ dagId, runId, taskId, mapIndex }: PluginProps) => {
  if (!dagId || !runId || !taskId) return null;
  const task = { dagId, runId, taskId, mapIndex: mapIndex && /^\d+$/.test(mapIndex) ? Number(mapIndex) : -1 };
  return (
    <Boundary key={JSON.stringify(task)}>
      <StepTab task={task} />
    </Boundary>
  );
};

const hasComponents = (globalThis as { ChakraUI?: unknown }).ChakraUI !== undefined;

for (const [name, tab] of Object.entries({ SageMaker, Models, Step })) {
  Reflect.set(globalThis, name, hasComponents ? tab : NeedsNewerAirflow);
}
