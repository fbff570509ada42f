/**
 * Which processes listen on a unix socket, where the system tells (Linux).
 *
 * @module
 */

import { basename, dirname } from "node:path";

/** A process that listens. */
export interface Listener {
  /** Its number. */
  readonly pid: number;
  /** The number of its parent. */
  readonly parent: number;
}

/** The flag of a socket that accepts connections, in `/proc/net/unix`. */
const ACCEPTS = "00010000";

/**
 * The processes that listen for an address. A socket that was renamed into place, as this runner's
 * are, is found by the environment or command line of its process.
 *
 * @param path The path of the socket.
 * @returns The processes, the oldest first; none when they cannot be seen.
 */
export function listenersOf(path: string): Listener[] {
  const sockets = listeningSockets(path);
  if (sockets.size === 0) return [];
  return processes().filter((pid) =>
    socketsOf(pid).some((inode) => {
      const bound = sockets.get(inode);
      return bound === path || (bound !== undefined && isFor(pid, path));
    })
  ).map((pid) => ({ pid, parent: parentOf(pid) }));
}

/**
 * Whether a process descends from another.
 *
 * @param pid The process.
 * @param ancestor The other.
 */
export function descendsFrom(pid: number, ancestor: number): boolean {
  for (let one = pid; one > 0; one = parentOf(one)) if (one === ancestor) return true;
  return false;
}

/** Sockets by inode that are bound to the path, or under a hidden name in its folder. */
function listeningSockets(path: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of textOf("/proc/net/unix").split("\n")) {
    const [, , , flags, , , inode, bound] = line.split(/\s+/);
    if (flags !== ACCEPTS || inode === undefined || bound === undefined) continue;
    const isBeside = dirname(bound) === dirname(path) && basename(bound).length <= 12;
    if (bound === path || isBeside) found.set(inode, bound);
  }
  return found;
}

function processes(): number[] {
  try {
    return Array.from(Deno.readDirSync("/proc"), ({ name }) => Number(name))
      .filter((pid) => pid > 0).sort((a, b) => a - b);
  } catch {
    return [];
  }
}

function socketsOf(pid: number): string[] {
  try {
    return Array.from(Deno.readDirSync(`/proc/${pid}/fd`), ({ name }) => {
      const target = linkOf(`/proc/${pid}/fd/${name}`);
      return /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? "";
    });
  } catch {
    return [];
  }
}

function isFor(pid: number, path: string): boolean {
  const words = [
    ...textOf(`/proc/${pid}/environ`).split("\0"),
    ...textOf(`/proc/${pid}/cmdline`).split("\0"),
  ];
  return words.some((word) => word.endsWith(`unix:${path}`));
}

function parentOf(pid: number): number {
  // The name in parentheses may have spaces and parentheses of its own.
  const fields = textOf(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
  return Number(fields[1] ?? 0);
}

function linkOf(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
