/**
 * What is called: plugins within the process, or a runner on a socket.
 *
 * @module
 */

import type { Plugin } from "../../../plugins/plugin.ts";
import { ErrorCode, messageOf } from "../../../protocol/errors.ts";
import { ApisixClient } from "../../apisix/client.ts";
import type { RunnerError } from "../../apisix/exchange.ts";
import type { LogLine } from "../../apisix/log_book.ts";
import { MemoryRunner } from "../../apisix/memory_runner.ts";
import type { Transport } from "../../connection.ts";
import { StartError } from "../../errors.ts";
import type { CallOutcome } from "./call_outcome.ts";
import { Trace } from "./call_trace.ts";

/** How long APISIX waits for an answer, in milliseconds (protocol.md §2). */
const PATIENCE_MS = 60_000;

/** Something that can be called. */
export interface Target {
  /** Makes the calls. */
  readonly apisix: ApisixClient;
  /** The plugin that answered during the last call; `null` when none did, or it is not known. */
  readonly answeredBy: string | null;
  /** What was logged during the last call, as far as it is known. */
  readonly logs: readonly LogLine[];
  /**
   * Makes a call.
   *
   * @param call Makes it, with `apisix`.
   */
  run<Result>(call: () => Promise<Result>): Promise<Result>;
  /**
   * What the client gets for a call that failed.
   *
   * @param error The runner's answer.
   */
  failure(error: RunnerError): CallOutcome;
  /** Closes what is open. */
  close(): Promise<void>;
}

/** Plugins within the process. */
export class MemoryTarget implements Target {
  readonly apisix: ApisixClient;
  readonly #runner: MemoryRunner;
  readonly #trace = new Trace();

  /** @param plugins All that can be used. */
  constructor(plugins: Iterable<Plugin>) {
    this.#runner = new MemoryRunner({
      plugins: Array.from(plugins, (plugin) => this.#trace.watch(plugin)),
    });
    this.apisix = new ApisixClient(() => this.#runner.connect());
  }

  get answeredBy(): string | null {
    return this.#trace.answeredBy;
  }

  get logs(): readonly LogLine[] {
    return this.#runner.logBook.lines;
  }

  run<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#trace.clear();
    this.#runner.logBook.clear();
    return this.#runner.run(call);
  }

  failure(error: RunnerError): CallOutcome {
    const found = error.callId === null ? null : this.#runner.logBook.failureOf(error.callId);
    const cause = found?.cause;
    return {
      type: "failed",
      message: found?.message ?? error.message,
      stack: cause instanceof Error ? cause.stack ?? null : null,
    };
  }

  async close(): Promise<void> {
    this.apisix.close();
    await this.#runner.close();
  }
}

/** A runner on a socket. It does not say what it logs. */
export class SocketTarget implements Target {
  readonly apisix: ApisixClient;
  readonly answeredBy = null;
  readonly logs: readonly LogLine[] = [];
  readonly #path: string;
  readonly #patienceMs: number;
  readonly #open = new Set<Transport>();

  /**
   * @param path The socket.
   * @param patienceMs How long a call may take, in milliseconds.
   */
  constructor(path: string, patienceMs: number = PATIENCE_MS) {
    this.#path = path;
    this.#patienceMs = patienceMs;
    this.apisix = new ApisixClient(() => this.#connect());
  }

  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      for (const transport of [...this.#open]) transport.close();
    }, this.#patienceMs);
    try {
      return await call();
    } catch (error) {
      if (!isLate) throw error;
      throw new StartError(
        `The runner on ${this.#path} has not answered for ${this.#patienceMs / 1000} s: APISIX ` +
          "gives up, and answers 503",
        { cause: error },
      );
    } finally {
      clearTimeout(timer);
    }
  }

  failure({ code, callId }: RunnerError): CallOutcome {
    const name = Object.entries(ErrorCode).find(([, known]) => known === code)?.[0] ?? `${code}`;
    const id = callId === null ? "" : `id=${callId}, or for `;
    return {
      type: "failed",
      message: `the runner answered ${name}. Its log says why: look for ${id}the plugin's name`,
      stack: null,
    };
  }

  close(): Promise<void> {
    this.apisix.close();
    return Promise.resolve();
  }

  async #connect(): Promise<Transport> {
    try {
      const connection = await Deno.connect({ transport: "unix", path: this.#path });
      const transport: Transport = {
        read: (into) => connection.read(into),
        write: (bytes) => connection.write(bytes),
        close: () => {
          if (this.#open.delete(transport)) connection.close();
        },
      };
      this.#open.add(transport);
      return transport;
    } catch (error) {
      throw new StartError(`Cannot connect to ${this.#path}: ${whyNot(error)}`, { cause: error });
    }
  }
}

function whyNot(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such socket";
  if (error instanceof Deno.errors.ConnectionRefused) return "nobody listens on it";
  if (error instanceof Deno.errors.PermissionDenied) return "this user may not";
  return messageOf(error);
}
