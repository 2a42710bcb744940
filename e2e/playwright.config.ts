import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const chromium = process.env.ONEGRID_CHROMIUM ?? "/usr/bin/chromium";
if (!existsSync(chromium)) {
  throw new Error(`no browser at ${chromium}: run scripts/setup test, or set ONEGRID_CHROMIUM`);
}

// Stories run one after the other: each starts the real program on its own data
// folder and port, and the machines that run them have two cores.
export default defineConfig({
  testDir: "stories",
  outputDir: "results",
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    actionTimeout: 10_000,
    headless: true,
    locale: "zh-CN",
    timezoneId: "Asia/Shanghai",
    viewport: { width: 1366, height: 768 },
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: chromium,
      args: [
        "--no-sandbox",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--use-gl=angle",
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
      ],
    },
  },
});
