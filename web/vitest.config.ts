import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [vue()],
  test: {
    environment: "happy-dom",
    testTimeout: 30_000, // whole-app stories on a machine with two busy cores
    include: ["packages/*/src/**/*.test.ts", "apps/*/src/**/*.test.ts"],
    env: { TZ: "America/New_York" }, // the district's time zone must not depend on the machine's
  },
});
