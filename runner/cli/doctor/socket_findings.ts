/**
 * Whether APISIX' workers can connect to a socket (protocol.md §1.5, §1.8).
 *
 * @module
 */

import { dirname, isAbsolute } from "node:path";

import { messageOf } from "../../../protocol/errors.ts";
import type { Finding } from "../finding.ts";
import { MAX_PATH_BYTES } from "../../socket.ts";
import { converse } from "./conversation.ts";
import { descendsFrom, type Listener, listenersOf } from "./listeners.ts";
import { foldersTo, mayUse, octal, type User } from "./user.ts";

/** What is known besides the path. */
export interface SocketContext {
  /** The user of nginx' workers. */
  readonly user: User;
  /** The process of APISIX' master; `null` when it is not known. */
  readonly apisix: number | null;
  /** Whether APISIX starts the runner. */
  readonly isStartedByApisix: boolean;
  /** What this binary is called. */
  readonly name: string;
}

/**
 * Looks at a socket, and talks to who listens there.
 *
 * @param path The path.
 * @param context What else is known.
 * @returns What was found, in the order in which a connection would meet it.
 */
export async function inspectSocket(path: string, context: SocketContext): Promise<Finding[]> {
  const bytes = new TextEncoder().encode(path).length;
  if (!isAbsolute(path)) {
    return [
      problem("address", `${path} is relative`, "Give the absolute path: unix:/…/runner.sock"),
    ];
  }
  if (bytes > MAX_PATH_BYTES) {
    return [
      problem(
        "address",
        `the path has ${bytes} bytes, a unix socket's at most ${MAX_PATH_BYTES}: ${path}`,
        "Start APISIX from a folder with a shorter path, or set path_for_test.",
      ),
    ];
  }
  const folders = folderFindings(dirname(path), context.user);
  if (folders.some(({ level }) => level === "problem")) return folders;
  return [...folders, ...await fileFindings(path, context)];
}

function folderFindings(folder: string, user: User): Finding[] {
  const about = "folder";
  let real: string;
  try {
    real = Deno.realPathSync(folder);
    if (!Deno.statSync(real).isDirectory) {
      return [problem(about, `${folder} is not a folder`, "Choose another path.")];
    }
  } catch (error) {
    return [
      error instanceof Deno.errors.NotFound
        ? problem(
          about,
          `${folder} does not exist`,
          `mkdir ${folder}, or start APISIX from the folder that has conf/ in it.`,
        )
        : warning(about, `${folder} cannot be seen: ${messageOf(error)}`, "Run doctor as root."),
    ];
  }
  for (const one of foldersTo(real)) {
    const info = Deno.statSync(one);
    if (mayUse(info, user, "search")) continue;
    return [
      problem(
        about,
        `${user.name} may not go through ${one}: its mode is ${octal(info.mode)}`,
        `chmod o+x ${one}, or choose a path elsewhere.`,
      ),
    ];
  }
  return [{ level: "ok", about, seen: `${user.name} may go through ${real}` }];
}

async function fileFindings(path: string, context: SocketContext): Promise<Finding[]> {
  const about = "socket";
  const listeners = listenersOf(path);
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      return [warning(about, `cannot be seen: ${messageOf(error)}`, "Run doctor as root.")];
    }
    return [missing(path, listeners, context)];
  }
  if (info.isSocket !== true) {
    const seen = `there is something at ${path} that is not a socket`;
    return [problem(about, seen, "Remove it, or choose another path.")];
  }
  const { user, apisix } = context;
  const permission = mayUse(info, user, "write")
    ? {
      level: "ok" as const,
      about,
      seen: `${user.name} may connect: its mode is ${octal(info.mode)}`,
    }
    : problem(
      about,
      `${user.name} may not connect: its mode is ${octal(info.mode)}, connecting takes write ` +
        "permission",
      "Start the runner with --socket-mode 0666, or with a --socket-group that the workers are in.",
    );
  return [
    permission,
    ...apisix === null ? [] : namespaceFindings(path, info, apisix),
    ...await listenerFindings(path, listeners, context),
  ];
}

function missing(
  path: string,
  [holder]: readonly Listener[],
  { isStartedByApisix, name }: SocketContext,
): Finding {
  if (holder !== undefined) {
    return problem(
      "socket",
      `${path} does not exist, though process ${holder.pid} listens: its socket was removed, by ` +
        "an older runner that ended, say",
      isStartedByApisix
        ? `kill ${holder.pid}: APISIX starts it again after 3 s.`
        : `End process ${holder.pid} and start the runner again.`,
    );
  }
  return problem(
    "socket",
    `${path} does not exist: no runner has listened there`,
    isStartedByApisix
      ? "See in logs/error.log why the runner ended; APISIX tries again every 3 s."
      : `Start it: APISIX_LISTEN_ADDRESS=unix:${path} ${name} run`,
  );
}

async function listenerFindings(
  path: string,
  listeners: readonly Listener[],
  { apisix, isStartedByApisix, name }: SocketContext,
): Promise<Finding[]> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) {
      const [holder] = listeners;
      return [
        problem(
          "listener",
          holder === undefined
            ? "nobody listens: a runner that was killed has left the socket behind"
            : `nobody listens on this socket: it has replaced that of process ${holder.pid}`,
          isStartedByApisix
            ? "See in logs/error.log why the runner ended; APISIX tries again every 3 s."
            : `Start the runner again: APISIX_LISTEN_ADDRESS=unix:${path} ${name} run`,
        ),
      ];
    }
    if (/os error 11\b/.test(messageOf(error))) {
      return [
        problem(
          "listener",
          "the queue of connections is full: who listens does not accept any",
          "It hangs. End it: APISIX starts it again after 3 s.",
        ),
      ];
    }
    return [warning("listener", `cannot be tried: ${messageOf(error)}`, "Run doctor as root.")];
  }
  return [
    ...processFindings(listeners, isStartedByApisix ? apisix : null),
    ...await converse(path),
  ];
}

function processFindings(listeners: readonly Listener[], apisix: number | null): Finding[] {
  const pids = listeners.map(({ pid }) => pid);
  if (pids.length > 1) {
    return [
      warning(
        "listener",
        `several processes listen for this address: ${pids.join(", ")}. An older runner still runs`,
        "End those that nobody needs. A script that starts the runner without exec leaves such.",
      ),
    ];
  }
  const [pid] = pids;
  if (pid === undefined) return [];
  if (apisix !== null && !descendsFrom(pid, apisix)) {
    return [
      warning(
        "listener",
        `process ${pid} listens, which APISIX (${apisix}) did not start`,
        `If it is left over from before: kill ${pid}`,
      ),
    ];
  }
  return [{ level: "ok", about: "listener", seen: `process ${pid} listens` }];
}

/** In a container, or with systemd's PrivateTmp, APISIX may see other files than we do. */
function namespaceFindings(path: string, own: Deno.FileInfo, apisix: number): Finding[] {
  let seen: string;
  try {
    // Without permission to look, nothing can be said.
    Deno.statSync(`/proc/${apisix}/root/`);
  } catch {
    return [];
  }
  try {
    const theirs = Deno.statSync(`/proc/${apisix}/root${path}`);
    if (theirs.ino === own.ino && theirs.dev === own.dev) return [];
    seen = `APISIX (process ${apisix}) sees another file at ${path}`;
  } catch {
    seen = `APISIX (process ${apisix}) does not see ${path}`;
  }
  return [
    problem(
      "container",
      `${seen}: it runs in a container, or with systemd's PrivateTmp`,
      "Put the socket into a folder that both share, and run doctor where APISIX runs.",
    ),
  ];
}

function problem(about: string, seen: string, todo: string): Finding {
  return { level: "problem", about, seen, todo };
}

function warning(about: string, seen: string, todo: string): Finding {
  return { level: "warning", about, seen, todo };
}
