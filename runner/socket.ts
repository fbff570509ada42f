/**
 * The unix socket that APISIX connects to (protocol.md §1.5, §1.8).
 *
 * @module
 */

import { basename, dirname, join } from "node:path";

import { messageOf } from "../protocol/errors.ts";
import { StartError, UsageError } from "./errors.ts";

/** The kernel's limit for the path of a unix socket, in bytes. */
export const MAX_PATH_BYTES = 107;

/** Where to listen, and for whom. */
export interface SocketOptions {
  /** The path of the socket. */
  readonly path: string;
  /**
   * The file's permissions. Connecting needs write permission, and nginx' workers are of another
   * user than the runner that APISIX starts: the default is 0666 (protocol.md §1.5).
   */
  readonly mode: number;
  /** The group of the file; `null` leaves it. */
  readonly gid: number | null;
}

/** A listening socket that replaces what was at its path, and removes nothing but itself. */
export interface RunnerSocket {
  /** Accepts connections. */
  readonly listener: Deno.UnixListener;
  /** Where it listens. */
  readonly path: string;
  /** Whether the file at the path is still ours: a newer runner may have replaced it. */
  isInPlace(): boolean;
  /** Removes the file if it is still ours. */
  remove(): void;
  /** Makes a connection of this process to itself, and gives both ends. */
  loopback(): Promise<[Deno.Conn, Deno.Conn]>;
}

/**
 * Checks the length of a socket path.
 *
 * @param path The path.
 * @throws {UsageError} When the kernel would not take it.
 */
export function checkSocketPath(path: string): void {
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > MAX_PATH_BYTES) {
    throw new UsageError(
      `Cannot listen on ${path}: the path has ${bytes} bytes, a unix socket's ${MAX_PATH_BYTES}`,
    );
  }
}

/**
 * Listens on a path, whatever was there before: a stale socket is replaced, and one on which an
 * older runner still listens is taken over, as APISIX' reload needs.
 *
 * The socket is bound under a temporary name, gets its permissions, and is then renamed: at no
 * moment is there no socket at the path, or one that workers cannot connect to.
 *
 * @param options Where and for whom.
 * @returns The socket.
 * @throws {StartError} When the folder is missing or not writable, or something else than a
 * socket is at the path.
 */
export function listenOn({ path, mode, gid }: SocketOptions): RunnerSocket {
  checkFolder(dirname(path));
  refuseOtherFiles(path);
  const { listener, temporary } = bindTemporary(path);
  try {
    Deno.chmodSync(temporary, mode);
    if (gid !== null) Deno.chownSync(temporary, null, gid);
    const own = Deno.lstatSync(temporary);
    Deno.renameSync(temporary, path);
    const isInPlace = () => isSame(statOrNull(path), own);
    const remove = () => {
      if (isInPlace()) removeQuietly(path);
    };
    return { listener, path, isInPlace, remove, loopback: () => loopback(path) };
  } catch (error) {
    listener.close();
    removeQuietly(temporary);
    throw new StartError(`Cannot listen on ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function checkFolder(folder: string): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw new StartError(`Cannot listen in ${folder}: ${messageOf(error)}`, { cause: error });
    }
    throw new StartError(
      `Cannot listen in ${folder}: the folder does not exist. Make it, or start APISIX from the ` +
        "folder that has conf/ in it",
    );
  }
  if (!info.isDirectory) throw new StartError(`Cannot listen in ${folder}: it is not a folder`);
}

function refuseOtherFiles(path: string): void {
  const info = statOrNull(path);
  if (info !== null && info.isSocket !== true) {
    throw new StartError(
      `Cannot listen on ${path}: something that is not a socket is there. Remove it, or choose ` +
        "another path",
    );
  }
}

function bindTemporary(path: string): { listener: Deno.UnixListener; temporary: string } {
  // The temporary path must not be too long where the final one is not.
  const room = MAX_PATH_BYTES - new TextEncoder().encode(path).length + basename(path).length;
  for (let attempt = 1;; attempt++) {
    const random = crypto.randomUUID();
    // A dot alone would be the folder.
    const name = room === 1 ? random.slice(0, 1) : `.${random}`.slice(0, Math.min(12, room));
    const temporary = join(dirname(path), name);
    try {
      return { listener: Deno.listen({ transport: "unix", path: temporary }), temporary };
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse && attempt < 100) continue;
      throw new StartError(`Cannot listen in ${dirname(path)}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

async function loopback(path: string): Promise<[Deno.Conn, Deno.Conn]> {
  const { listener, temporary } = bindTemporary(path);
  try {
    const [from, to] = await Promise.all([
      Deno.connect({ transport: "unix", path: temporary }),
      listener.accept(),
    ]);
    return [from, to];
  } finally {
    listener.close();
    removeQuietly(temporary);
  }
}

/** As long as the listener is open its inode cannot be used again, so the two can be compared. */
function isSame(info: Deno.FileInfo | null, own: Deno.FileInfo): boolean {
  return info !== null && info.ino === own.ino && info.dev === own.dev;
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It has gone already.
  }
}

function statOrNull(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch {
    return null;
  }
}

/** The kernel takes -1 for "leave it". */
const MAX_GID = 2 ** 32 - 2;

/**
 * The number of a group.
 *
 * @param group Its name, or its number in digits.
 * @returns The number.
 * @throws {UsageError} When there is no such group on this machine.
 */
export function groupId(group: string): number {
  if (/^\d+$/.test(group) && Number(group) <= MAX_GID) return Number(group);
  let groups = "";
  try {
    groups = Deno.readTextFileSync("/etc/group");
  } catch {
    // Without the file no name is known.
  }
  for (const line of groups.split("\n")) {
    const [name, , gid] = line.split(":");
    if (name === group && gid !== undefined) return Number(gid);
  }
  throw new UsageError(`Cannot use the socket group "${group}": there is no such group`);
}
