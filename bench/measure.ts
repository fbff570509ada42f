/**
 * Short bursts of calls against one server, taken only while the machine was ours.
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
  /** The file with the frames of the calls, which are sent in turn. */
  readonly callFile: string;
  /** The file with the answer to questions, or `-`. */
  readonly answerFile: string;
  /** Busy connections. */
  readonly connections: number;
  /** How long, in milliseconds. */
  readonly milliseconds: number;
}

/** The core of the load generator. */
const LOAD_CORE = "0";

/** A burst during which another guest of the host took more hundredths of a second is repeated. */
const MAX_STOLEN = 1;

/**
 * How long to wait behind a burst, in parts of its length: a host that shares its processors takes
 * them away from a guest that uses them all the time.
 */
const REST = 1;

/** How long to wait when a burst was disturbed, in milliseconds. */
const REST_WHEN_DISTURBED = 300;

/** After so many tries a burst counts as it is: some machines are never left alone. */
const MAX_TRIES = 5;

/** How many bursts of this process were repeated, to be told with the results. */
export const repeated = { count: 0 };

/**
 * Sends calls for a while.
 *
 * @param load What to send.
 * @returns What came of it.
 * @throws {Error} When a call failed or was answered with another type.
 */
export async function burst(load: Load): Promise<Burst> {
  for (let tries = 1;; tries++) {
    const before = stolen();
    const result = await anyBurst(load);
    const isClean = stolen() - before <= MAX_STOLEN;
    await new Promise((resolve) =>
      setTimeout(resolve, isClean ? REST * load.milliseconds : REST_WHEN_DISTURBED)
    );
    if (isClean || tries === MAX_TRIES) return result;
    repeated.count++;
  }
}

async function anyBurst(load: Load): Promise<Burst> {
  const { program, socket, connections, milliseconds, callFile, answerFile, pid } = load;
  const before = cpuNanoseconds(pid);
  const numbers = [String(connections), String(milliseconds)];
  const { success, stdout, stderr } = await new Deno.Command("taskset", {
    args: ["--cpu-list", LOAD_CORE, program, socket, ...numbers, callFile, answerFile],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
  const cpu = cpuNanoseconds(pid) - before;
  const result: unknown = JSON.parse(new TextDecoder().decode(stdout));
  const number = (name: string) => field(result, name);
  if (number("errors") > 0) {
    throw new Error(`${number("errors")} calls were answered with an error`);
  }
  return {
    rate: number("rate"),
    p50: number("p50"),
    p99: number("p99"),
    p999: number("p999"),
    cpu: cpu / number("calls") / 1000,
    memory: residentMegabytes(pid),
  };
}

function field(result: unknown, name: string): number {
  const value: unknown = Object.entries(result ?? {}).find(([key]) => key === name)?.[1];
  if (typeof value !== "number") throw new Error(`The load generator did not say "${name}"`);
  return value;
}

/** The time that the host gave to others though we wanted it, in hundredths of a second. */
function stolen(): number {
  const [all = ""] = Deno.readTextFileSync("/proc/stat").split("\n");
  return Number(all.trim().split(/\s+/)[8] ?? 0);
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
