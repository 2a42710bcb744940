import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Browser } from "@playwright/test";

/** A running program with its own data folder. */
export interface District {
  url: string;
  /** Closes what the stories opened, then the program: a page left open asks for it for ever. */
  stop(browser: Browser): Promise<void>;
}

const program = process.env.ONEGRID_PROGRAM ?? resolve(import.meta.dirname, "../bin/onegrid");
const folder = () => mkdtempSync(join(tmpdir(), "onegrid-e2e-"));

/**
 * Starts `onegrid demo` on a free port and waits until it answers. Arguments
 * are added to the command, for example `--requests 0` for an empty district.
 * ONEGRID_PROGRAM names another program than the one that `make build` makes.
 */
export const startDistrict = (...args: string[]): Promise<District> => start(folder(), "demo", "--addr", "127.0.0.1:0", ...args);

/** A new installation, with the links that `onegrid init` prints, by role. */
export async function startInstallation(): Promise<District & { links: Record<string, string> }> {
  const dir = folder();
  const printed = execFileSync(program, ["init", "--dir", dir, "--name", "演示新区", "--name-en", "Demo district"], { encoding: "utf8" });
  const links = Object.fromEntries([...printed.matchAll(/^(\w+)\s+https?:\/\/[^/]+(\S+)$/gm)].map((m) => [m[1]!, m[2]!]));
  return { ...(await start(dir, "serve", "--set", "addr=127.0.0.1:0")), links };
}

async function start(dir: string, command: string, ...args: string[]): Promise<District> {
  const child = spawn(program, [command, "--dir", dir, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  try {
    const url = await ready(child, said);
    return {
      url,
      stop: async (browser) => {
        await Promise.all(browser.contexts().map((context) => context.close()));
        await stop(child, dir);
      },
    };
  } catch (error) {
    await stop(child, dir);
    throw error;
  }
}

function ready(child: ChildProcess, said: string[]): Promise<string> {
  return new Promise((answered, failed) => {
    const limit = setTimeout(() => failed(new Error(`no answer within 60 s\n${said.join("")}`)), 60_000);
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const match = /^ready (http:\S+)/.exec(line);
      if (match) {
        clearTimeout(limit);
        answered(match[1]!.replace(/\/$/, ""));
      }
    });
    child.once("exit", (code) => {
      clearTimeout(limit);
      failed(new Error(`the program ended with ${code}\n${said.join("")}`));
    });
  });
}

async function stop(child: ChildProcess, dir: string): Promise<void> {
  if (child.exitCode === null) {
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    await ended;
  }
  rmSync(dir, { recursive: true, force: true });
}
