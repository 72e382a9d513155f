import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** What Airflow's own page puts on globalThis (main.tsx of airflow-core from 3.2 on), by the package that it is. */
const HOST = {
  react: "globalThis.React",
  "react-dom": "globalThis.ReactDOM",
  "react/jsx-runtime": "globalThis.ReactJSXRuntime",
  "react-router-dom": "globalThis.ReactRouterDOM",
  "@chakra-ui/react": "globalThis.ChakraUI",
  "@emotion/react": "globalThis.EmotionReact",
};

export default defineConfig(({ command }) => ({
  plugins: [react()],
  define: command === "build" ? { "process.env.NODE_ENV": JSON.stringify("production") } : {},
  build: {
    target: "es2022",
    outDir: "../airflow_sm_pipelines/plugins/static",
    // Other files of the plugin may stand there.
    emptyOutDir: false,
    copyPublicDir: false,
    // The licences of the libraries in the bundle ask for their texts to go with it.
    license: { fileName: "sagemaker.licenses.md" },
    lib: {
      entry: "src/main.tsx",
      formats: ["iife"],
      name: "AirflowSageMakerPipelines",
      fileName: () => "sagemaker.js",
    },
    rolldownOptions: { external: Object.keys(HOST), output: { globals: HOST } },
  },
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    env: { TZ: "UTC" },
    maxWorkers: 2,
    // Others may work on the machine, and queries by role are slow in jsdom.
    testTimeout: 60_000,
  },
}));
