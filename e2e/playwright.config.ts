import { defineConfig } from "@playwright/test";
import { withMap } from "./browser.ts";

// Two files of stories run at a time: each starts the real program on its own data
// folder and port, and the machines that run them have two cores.
export default defineConfig({
  testDir: "stories",
  outputDir: "results",
  globalSetup: "./start.ts",
  workers: 2,
  timeout: 240_000, // the longest stories take a minute on two idle cores
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    actionTimeout: 20_000,
    headless: true,
    locale: "zh-CN",
    timezoneId: "Asia/Shanghai",
    viewport: { width: 1366, height: 768 },
    screenshot: "only-on-failure",
    launchOptions: withMap,
  },
});
