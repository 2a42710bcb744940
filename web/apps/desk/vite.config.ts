import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig, type Plugin } from "vite";

// With ONEGRID_FAKE=1 the dev server answers /api from memory; otherwise it
// passes /api on to the real program.
function fakeApi(): Plugin {
  return {
    name: "onegrid-fake-api",
    apply: "serve",
    async configureServer(server) {
      if (!process.env.ONEGRID_FAKE) return;
      const { middleware } = await import("./fake/middleware");
      server.middlewares.use(middleware());
    },
  };
}

export default defineConfig({
  base: "/desk/",
  plugins: [vue(), fakeApi()],
  build: {
    outDir: fileURLToPath(new URL("../../dist/desk", import.meta.url)),
    emptyOutDir: true,
    assetsInlineLimit: 0, // a data: URL would need an exception in the content security policy
    chunkSizeWarningLimit: 1200, // the map library, loaded only where a map is shown
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  server: {
    port: 5173,
    proxy: process.env.ONEGRID_FAKE
      ? undefined
      : { "/api": process.env.ONEGRID_URL ?? "http://127.0.0.1:8080" },
  },
});
