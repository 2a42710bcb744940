import { existsSync } from "node:fs";

const chromium = process.env.ONEGRID_CHROMIUM ?? "/usr/bin/chromium";
if (!existsSync(chromium)) {
  throw new Error(`no browser at ${chromium}: run scripts/setup test, or set ONEGRID_CHROMIUM`);
}

const quiet = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** The browser of the stories; the map is drawn by the processor. */
export const withMap = {
  executablePath: chromium,
  args: [...quiet, "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
};

/** A computer that cannot draw the map, which must hinder nobody. */
export const withoutMap = { executablePath: chromium, args: [...quiet, "--disable-3d-apis"] };
