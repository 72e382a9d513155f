import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const modules = fileURLToPath(new URL("../node_modules", import.meta.url));

/**
 * The views with mock data: `npm run dev`. AIRFLOW_THEME names a `theme.ts` of Airflow's own UI to see them in its colours.
 */
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [react()],
  resolve: {
    alias: {
      "airflow-theme": process.env.AIRFLOW_THEME ?? fileURLToPath(new URL("./theme.ts", import.meta.url)),
      // Airflow's own theme stands outside of this directory.
      "@chakra-ui/react": `${modules}/@chakra-ui/react`,
    },
  },
  optimizeDeps: { include: ["@chakra-ui/react", "@emotion/react", "react-router-dom", "react-dom/client"] },
  server: { port: 5199, strictPort: true, fs: { strict: false } },
});
