/**
 * The APISIX of this machine, as far as it can be seen: its process, its version, its log.
 *
 * @module
 */

import { join } from "node:path";

import type { Finding } from "../finding.ts";

/** An APISIX that runs. */
export interface ApisixProcess {
  /** The number of nginx' master process. */
  readonly pid: number;
  /** The folder that it was started from; `null` when that cannot be seen. */
  readonly folder: string | null;
}

/** How much of the end of the log is looked at, in bytes. */
const LOG_TAIL_BYTES = 256 * 1024;

/** Lines of the log that say why a call failed, or why there is no runner. */
const COMPLAINT =
  /failed to connect to the unix socket|failed to (?:send|receive)[^,]*RPC|runner exited|failed to spawn|Cannot use a configuration/i;

/**
 * The APISIX of an installation, if it runs.
 *
 * @param home The folder that `conf/` and `logs/` are in.
 */
export function findApisix(home: string): ApisixProcess | null {
  const pid = Number(textOf(join(home, "logs", "nginx.pid")));
  if (!Number.isInteger(pid) || pid <= 0 || !exists(`/proc/${pid}`)) return null;
  return { pid, folder: linkOf(`/proc/${pid}/cwd`) };
}

/**
 * The socket that APISIX connects to when no path is configured (protocol.md §1.5).
 *
 * @param apisix The process.
 * @returns The path; `null` when it cannot be seen.
 */
export function generatedPath({ pid, folder }: ApisixProcess): string | null {
  return folder === null || isDeleted(folder) ? null : join(folder, "conf", `apisix-${pid}.sock`);
}

/**
 * What can be said of the process and its log.
 *
 * @param home The folder that `conf/` and `logs/` are in.
 * @param apisix The process, if it runs.
 */
export function apisixFindings(home: string, apisix: ApisixProcess | null): Finding[] {
  return [...processFindings(home, apisix), ...logFindings(home)];
}

/**
 * The version of APISIX.
 *
 * @param home The folder that `conf/` is in.
 * @returns For example `3.18.0`; `null` when it cannot be seen.
 */
export function apisixVersion(home: string): string | null {
  const inside = ["core", "version.lua"];
  for (const folder of [join(home, "apisix"), "/usr/local/share/lua/5.1/apisix"]) {
    const found = /VERSION\s*=\s*["']([^"']+)["']/.exec(textOf(join(folder, ...inside)))?.[1];
    if (found !== undefined) return found;
  }
  return null;
}

/**
 * What the version means for a runner (protocol.md §12).
 *
 * @param version The version of APISIX.
 */
export function versionFindings(version: string | null): Finding[] {
  if (version === null) return [];
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isBefore = (a: number, b: number) => major < a || (major === a && minor < b);
  const about = "version";
  if (isBefore(2, 6)) {
    const seen = `APISIX ${version} knows no plugin runners`;
    return [{ level: "problem", about, seen, todo: "Use APISIX 2.9 or later." }];
  }
  if (isBefore(2, 9)) {
    const seen = `with APISIX ${version} a runner cannot ask for variables and bodies`;
    return [{ level: "warning", about, seen, todo: "Use APISIX 2.9 or later." }];
  }
  if (!isBefore(2, 14) && isBefore(3, 0)) {
    const seen = `APISIX ${version} fails a response call in which the runner asks anything`;
    return [{ level: "warning", about, seen, todo: 'Add "--head-probe", "off" to cmd.' }];
  }
  return [];
}

function processFindings(home: string, apisix: ApisixProcess | null): Finding[] {
  const about = "APISIX";
  if (apisix === null) {
    const seen = `does not run, as far as ${join(home, "logs", "nginx.pid")} tells`;
    return [{ level: "warning", about, seen, todo: "Start it: apisix start" }];
  }
  const { pid, folder } = apisix;
  if (folder === null) {
    const seen = `runs as process ${pid}; its working directory cannot be seen`;
    return [{ level: "warning", about, seen, todo: "Run doctor as root." }];
  }
  if (isDeleted(folder)) {
    return [{
      level: "problem",
      about,
      seen: `process ${pid} was started from a folder that was deleted since: ${folder}`,
      todo: "Stop APISIX and start it from a folder that stays: the socket is made below it.",
    }];
  }
  return [{ level: "ok", about, seen: `runs as process ${pid}, started from ${folder}` }];
}

/** The last line of the log that has to do with the runner. */
function logFindings(home: string): Finding[] {
  const path = join(home, "logs", "error.log");
  const line = tailOf(path).split("\n").findLast((line) => COMPLAINT.test(line));
  if (line === undefined) return [];
  const time = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d/.exec(line)?.[0] ?? "some time ago";
  const text = line.slice(line.search(COMPLAINT)).replace(/, (?:client|context): .*$/s, "");
  return [{
    level: "warning",
    about: "error.log",
    seen: `said last, ${time}: ${text.slice(0, 300)}`,
    todo: `See whether it is over: ${path}`,
  }];
}

function tailOf(path: string): string {
  try {
    using file = Deno.openSync(path);
    const { size } = file.statSync();
    file.seekSync(Math.max(0, size - LOG_TAIL_BYTES), Deno.SeekMode.Start);
    const bytes = new Uint8Array(LOG_TAIL_BYTES);
    let filled = 0;
    for (let count = 1; count > 0 && filled < bytes.length; filled += count) {
      count = file.readSync(bytes.subarray(filled)) ?? 0;
    }
    return new TextDecoder().decode(bytes.subarray(0, filled));
  } catch {
    return "";
  }
}

function isDeleted(folder: string): boolean {
  return folder.endsWith(" (deleted)");
}

function linkOf(path: string): string | null {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return null;
  }
}

function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
