/** Chakra's own theme, or that of Airflow (see vite.config.ts). */
declare module "airflow-theme" {
  import type { SystemContext } from "@chakra-ui/react";
  export const defaultSystem: SystemContext;
}
