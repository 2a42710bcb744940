import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
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

/** Makes the empty district once, which the stories get copies of; see playwright.config.ts. */
export default async function furnish(): Promise<() => void> {
  const dir = folder();
  const child = run(dir, "demo", ["--addr", "127.0.0.1:0", "--requests", "0"]);
  await ready(child.process, child.said);
  await ended(child.process);
  process.env.ONEGRID_EMPTY_DISTRICT = dir;
  return () => rmSync(dir, { recursive: true, force: true });
}

/**
 * Starts `onegrid demo` on a free port and waits until it answers. Arguments
 * are added to the command, for example `--requests 0` for an empty district.
 * ONEGRID_PROGRAM names another program than the one that `make build` makes.
 */
export function startDistrict(...args: string[]): Promise<District> {
  const dir = folder();
  const empty = process.env.ONEGRID_EMPTY_DISTRICT;
  if (empty && args[0] === "--requests" && args[1] === "0") cpSync(empty, dir, { recursive: true });
  return start(dir, "demo", "--addr", "127.0.0.1:0", ...args);
}

/** A new installation, with the links that `onegrid init` prints, by role. */
export async function startInstallation(): Promise<District & { links: Record<string, string> }> {
  const dir = folder();
  const printed = execFileSync(program, ["init", "--dir", dir, "--name", "演示新区", "--name-en", "Demo district"], { encoding: "utf8" });
  const links = Object.fromEntries([...printed.matchAll(/^(\w+)\s+https?:\/\/[^/]+(\S+)$/gm)].map((m) => [m[1]!, m[2]!]));
  return { ...(await start(dir, "serve", "--set", "addr=127.0.0.1:0")), links };
}

function run(dir: string, command: string, args: string[]): { process: ChildProcess; said: string[] } {
  const child = spawn(program, [command, "--dir", dir, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const said: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  return { process: child, said };
}

async function start(dir: string, command: string, ...args: string[]): Promise<District> {
  const { process: child, said } = run(dir, command, args);
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

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  await exit;
}

async function stop(child: ChildProcess, dir: string): Promise<void> {
  await ended(child);
  rmSync(dir, { recursive: true, force: true });
}
