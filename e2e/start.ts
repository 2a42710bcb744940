import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

/** A running program with its own data folder. */
export interface District {
  url: string;
  stop(): Promise<void>;
}

/**
 * Starts `onegrid demo` on a free port and waits until it answers. Arguments
 * are added to the command, for example `--requests 0` for an empty district.
 * ONEGRID_PROGRAM names another program than the one that `make build` makes.
 */
export async function startDistrict(...args: string[]): Promise<District> {
  const dir = mkdtempSync(join(tmpdir(), "onegrid-e2e-"));
  const program = process.env.ONEGRID_PROGRAM ?? resolve(import.meta.dirname, "../bin/onegrid");
  const child = spawn(program, ["demo", "--dir", dir, "--addr", "127.0.0.1:0", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  try {
    const url = await ready(child, said);
    return { url, stop: () => stop(child, dir) };
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
