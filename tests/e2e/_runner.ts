/**
 * Starts runners as APISIX does (protocol.md §1): with next to no environment, standard input a
 * pipe that stays open, and a socket of their own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";

import { compiled, ROOT } from "./_compile.ts";
import { until, within } from "./_until.ts";

/** How a runner is run: `deno run` of its main module, or its executable. */
export type Kind = "source" | "binary";

/** Both ways. */
export const KINDS: readonly Kind[] = ["source", "binary"];

/**
 * Which program: `deno-runner` itself, or the build of one's own in `tests/testdata/runner`, whose
 * plugins do all that plugins can do, and should not.
 */
export type Program = "deno-runner" | "test-runner";

/** How to start a runner. */
export interface RunnerOptions {
  /** How it is run. */
  readonly kind: Kind;
  /** Which program; `deno-runner` when absent. */
  readonly program?: Program;
  /** An executable to run in place of that of the program. */
  readonly executable?: string;
  /** The words of its command line; `["run"]` when absent. */
  readonly args?: readonly string[];
  /** More environment, or `null` to leave a variable out. */
  readonly env?: Readonly<Record<string, string | null>>;
  /** Standard input; a pipe when absent, as APISIX has it. */
  readonly stdin?: "piped" | "null";
  /** The path of the socket; one in a folder of its own when absent. */
  readonly path?: string;
  /** What `sh` does before it becomes the runner, for example `umask 022`. */
  readonly before?: string;
  /** When it counts as started: when it says so in its log, or when it can be connected to. */
  readonly readyBy?: "log" | "connecting";
}

/** How a process ended. */
export interface Exit {
  /** The exit code. */
  readonly code: number;
  /** The signal that ended it. */
  readonly signal: Deno.Signal | null;
  /** Milliseconds since {@linkcode TestRunner.stop} was called. */
  readonly ms: number;
}

/** A command that ran to its end. */
export interface Finished {
  /** The exit code. */
  readonly code: number;
  /** The whole standard output. */
  readonly stdout: string;
  /** The lines on standard error. */
  readonly stderr: readonly string[];
}

/** A running runner. */
export class TestRunner implements AsyncDisposable {
  /** A folder of its own; its working directory is `work` in it. */
  readonly folder: string;
  /** The path of its socket. */
  readonly path: string;
  /** The lines that it wrote to standard error. */
  readonly stderr: string[] = [];
  /** What it wrote to standard output. */
  stdout = "";
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array> | null;
  readonly #streams: Promise<unknown>;
  #ended = false;

  private constructor(child: Deno.ChildProcess, folder: string, options: RunnerOptions) {
    this.#child = child;
    this.folder = folder;
    this.path = options.path ?? join(folder, "runner.sock");
    this.#stdin = options.stdin === "null" ? null : child.stdin.getWriter();
    child.status.then(() => this.#ended = true);
    this.#streams = Promise.all([this.#readErrors(), this.#readOutput()]);
  }

  /**
   * Starts a runner and waits until it serves.
   *
   * @param options Which and how.
   * @throws {Error} When it does not come up, with what it said.
   */
  static async start(options: RunnerOptions): Promise<TestRunner> {
    const folder = await Deno.makeTempDir({ prefix: "deno-runner-e2e-" });
    const work = join(folder, "work");
    await Deno.mkdir(work);
    const child = (await command(options, folder, work)).spawn();
    const runner = new TestRunner(child, folder, options);
    try {
      if (options.readyBy === "connecting") await runner.#connectable();
      else await runner.line(/ INFO Listening /);
      return runner;
    } catch (error) {
      await runner[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The number of the process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Whether the process has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Opens a connection to it. */
  connect(): Promise<Deno.UnixConn> {
    return Deno.connect({ transport: "unix", path: this.path });
  }

  /**
   * Waits for a line on standard error.
   *
   * @param pattern What it looks like.
   * @param from The first line that counts, for example a length of {@linkcode stderr} before.
   * @returns The first such line.
   */
  async line(pattern: RegExp, from: number = 0): Promise<string> {
    let found: string | undefined;
    await until(() => {
      found = this.stderr.slice(from).find((line) => pattern.test(line));
      if (found === undefined && this.#ended) throw new Error(this.#said("It has ended"));
      return found !== undefined;
    }, `A line like ${pattern}`).catch((error) => {
      throw new Error(this.#said(String(error)), { cause: error });
    });
    return found ?? "";
  }

  /** Closes its standard input, as the end of APISIX does. */
  async closeInput(): Promise<void> {
    await this.#stdin?.close();
  }

  /**
   * Writes to its standard input, which APISIX never does.
   *
   * @param text What.
   */
  async writeInput(text: string): Promise<void> {
    await this.#stdin?.write(new TextEncoder().encode(text));
  }

  /**
   * Sends a signal.
   *
   * @param signal Which.
   */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /**
   * Sends a signal and waits for the end.
   *
   * @param signal Which.
   */
  stop(signal: Deno.Signal = "SIGTERM"): Promise<Exit> {
    const exit = this.exit();
    this.signal(signal);
    return exit;
  }

  /** Waits for the end. */
  async exit(): Promise<Exit> {
    const start = performance.now();
    const { code, signal } = await within(this.#child.status, "The end of the runner");
    const ms = performance.now() - start;
    await this.#streams;
    return { code, signal, ms };
  }

  /** Ends it by force if it still runs, and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#stdin?.close().catch(() => {});
    await this.#streams;
    await Deno.remove(this.folder, { recursive: true });
  }

  async #connectable(): Promise<void> {
    await until(async () => {
      if (this.#ended) throw new Error(this.#said("It has ended"));
      try {
        (await this.connect()).close();
        return true;
      } catch {
        return false;
      }
    }, "A connection to the runner");
  }

  async #readErrors(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.stderr.push(...lines);
    }
    if (rest !== "") this.stderr.push(rest);
  }

  async #readOutput(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.stdout += text;
    }
  }

  #said(what: string): string {
    return `${what}; the runner said:\n${this.stderr.join("\n")}\n${this.stdout}`;
  }
}

/**
 * Runs a command line that ends by itself.
 *
 * @param options Which and how; `path` has no default here.
 */
export async function runToEnd(options: RunnerOptions): Promise<Finished> {
  const folder = await Deno.makeTempDir({ prefix: "deno-runner-e2e-" });
  try {
    const child = (await command({ ...options, stdin: "null" }, folder, folder)).spawn();
    const [{ code }, stdout, stderr] = await within(
      Promise.all([
        child.status,
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]),
      "The end of the command",
    ).catch((error) => {
      child.kill("SIGKILL");
      throw error;
    });
    return { code, stdout, stderr: stderr.split("\n").slice(0, -1) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Registers a test for both ways of running.
 *
 * @param name A sentence.
 * @param run The test.
 */
export function testBoth(name: string, run: (kind: Kind) => Promise<void>): void {
  for (const kind of KINDS) Deno.test(`${name} (${kind})`, () => run(kind));
}

/**
 * For tests that can share a runner: one of each kind is started when it is first needed. It must
 * survive every test, and end well after the last.
 *
 * @param options How to start it.
 * @returns Registers a test for both kinds.
 */
export function sharedRunners(
  options: Omit<RunnerOptions, "kind">,
): (name: string, run: (runner: TestRunner) => Promise<void>) => void {
  const started = new Map<Kind, Promise<TestRunner>>();
  Deno.test.afterAll(async () => {
    for (const starting of started.values()) {
      await using runner = await starting;
      const { code, signal } = await runner.stop();
      assert.deepEqual({ code, signal }, { code: 0, signal: null });
    }
  });
  return (name, run) =>
    testBoth(name, async (kind) => {
      const runner = await (started.get(kind) ?? start(kind));
      await run(runner);
      assert(!runner.ended, `The runner has ended: ${runner.stderr.join("\n")}`);
    });

  function start(kind: Kind): Promise<TestRunner> {
    const starting = TestRunner.start({ ...options, kind });
    started.set(kind, starting);
    return starting;
  }
}

/**
 * The memory that a process has, where the system says so; else 0.
 *
 * @param pid Its number.
 */
export function residentBytes(pid: number): number {
  if (Deno.build.os !== "linux") return 0;
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}

async function command(
  options: RunnerOptions,
  folder: string,
  work: string,
): Promise<Deno.Command> {
  const start = options.executable === undefined ? await executable(options) : [options.executable];
  const words = [...start, ...options.args ?? ["run"]];
  const [program = "", ...args] = options.before === undefined
    ? words
    : ["/bin/sh", "-c", `${options.before}\nexec "$@"`, "sh", ...words];
  const env: Record<string, string | null> = {
    PATH: Deno.env.get("PATH") ?? "",
    APISIX_LISTEN_ADDRESS: `unix:${options.path ?? join(folder, "runner.sock")}`,
    APISIX_CONF_EXPIRE_TIME: "3600",
    // Its only trace is the line that says that it listens.
    DENO_RUNNER_LOG_LEVEL: "info",
    // HOME is absent: without this, Deno would not find the modules that it has.
    DENO_DIR: options.kind === "source" ? await denoDir() : null,
    ...options.env,
  };
  return new Deno.Command(program, {
    args,
    cwd: work,
    clearEnv: true,
    env: Object.fromEntries(
      Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== null),
    ),
    stdin: options.stdin ?? "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

async function executable({ kind, program = "deno-runner" }: RunnerOptions): Promise<string[]> {
  if (kind === "source") {
    const main = program === "deno-runner" ? "runner/main.ts" : TEST_RUNNER;
    return [Deno.execPath(), "run", "--quiet", "--allow-all", join(ROOT, main)];
  }
  return [program === "deno-runner" ? denoRunner() : await compiled(TEST_RUNNER, program)];
}

const TEST_RUNNER = "tests/testdata/runner/main.ts";

function denoRunner(): string {
  const path = join(ROOT, "dist", "deno-runner");
  try {
    Deno.statSync(path);
    return path;
  } catch {
    throw new Error("There is no dist/deno-runner to test: run `./denow task compile` first");
  }
}

let knownDenoDir: Promise<string> | null = null;

function denoDir(): Promise<string> {
  return knownDenoDir ??= findDenoDir();
}

async function findDenoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const info: unknown = JSON.parse(new TextDecoder().decode(stdout));
  assert(typeof info === "object" && info !== null && "denoDir" in info);
  return String(info.denoDir);
}
