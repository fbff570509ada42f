/**
 * One short burst of calls against one server.
 *
 * @module
 */

/** What a burst came to. */
export interface Burst {
  /** Calls a second. */
  readonly rate: number;
  /** Microseconds within which half of the calls were answered. */
  readonly p50: number;
  /** The same for 99 of 100. */
  readonly p99: number;
  /** The same for 999 of 1000. */
  readonly p999: number;
  /** Microseconds of processor time that the server spent on a call. */
  readonly cpu: number;
  /** The server's resident memory at the end, in megabytes. */
  readonly memory: number;
}

/** What to send, and how. */
export interface Load {
  /** The load generator. */
  readonly program: string;
  /** The server's socket. */
  readonly socket: string;
  /** The server's process. */
  readonly pid: number;
  /** The file with the frame of a call. */
  readonly callFile: string;
  /** The file with the answer to questions, or `-`. */
  readonly answerFile: string;
  /** Busy connections. */
  readonly connections: number;
  /** Idle connections beside them. */
  readonly idle: number;
  /** How long, in milliseconds. */
  readonly milliseconds: number;
}

/** The core of the load generator. */
const LOAD_CORE = "0";

/**
 * Sends calls for a while.
 *
 * @param load What to send.
 * @returns What came of it.
 * @throws {Error} When a call failed or was answered with another type.
 */
export async function burst(load: Load): Promise<Burst> {
  const before = cpuNanoseconds(load.pid);
  const { success, stdout, stderr } = await new Deno.Command("taskset", {
    args: [
      "--cpu-list",
      LOAD_CORE,
      load.program,
      load.socket,
      String(load.connections),
      String(load.milliseconds),
      load.callFile,
      load.answerFile,
      String(load.idle),
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
  const cpu = cpuNanoseconds(load.pid) - before;
  const result: unknown = JSON.parse(new TextDecoder().decode(stdout));
  const number = (name: string) => field(result, name);
  if (number("errors") > 0) {
    throw new Error(`${number("errors")} calls were answered with an error`);
  }
  return {
    rate: number("calls") / number("seconds"),
    p50: number("p50"),
    p99: number("p99"),
    p999: number("p999"),
    cpu: cpu / number("calls") / 1000,
    memory: residentMegabytes(load.pid),
  };
}

function field(result: unknown, name: string): number {
  const value: unknown = Object.entries(result ?? {}).find(([key]) => key === name)?.[1];
  if (typeof value !== "number") throw new Error(`The load generator did not say "${name}"`);
  return value;
}

/** The time that all threads of a process have been on a processor. */
function cpuNanoseconds(pid: number): number {
  let total = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    try {
      total += Number(Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`).split(" ")[0]);
    } catch {
      // The thread has ended meanwhile.
    }
  }
  return total;
}

/** The memory of a process that is in RAM. */
export function residentMegabytes(pid: number): number {
  const pages = Number(Deno.readTextFileSync(`/proc/${pid}/statm`).split(" ")[1]);
  return pages * 4096 / 1e6;
}
