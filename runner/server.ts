/**
 * Accepting connections, and ending well.
 *
 * @module
 */

import { messageOf } from "../protocol/errors.ts";
import { Connection } from "./connection.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Logger } from "./logger.ts";
import { LoopbackPulse } from "./pulse.ts";
import type { RunnerSocket } from "./socket.ts";
import { Turns } from "./turns.ts";

/**
 * How long to go on serving after the end was asked for, in milliseconds. APISIX kills a runner
 * after a second, and during a reload its old workers still send calls (protocol.md §1.7, §1.8).
 */
const GRACE_MS = 800;

/**
 * After how much of that time connections are retired, in milliseconds: each closes behind its next
 * answer, and the call after it goes to the new runner. Until then old workers are served as ever.
 */
const RETIRE_AFTER_MS = 500;

/** How long pending calls then have before they are answered with an error, in milliseconds. */
const LAST_CALL_MS = 60;

/** How often to see whether the last connection has gone, in milliseconds. */
const POLL_MS = 10;

/** After an accept that failed, mostly for want of file descriptors, in milliseconds. */
const ACCEPT_BACKOFF_MS = 50;

/** What a server is made of. */
export interface ServerParts {
  /** Where it listens. */
  readonly socket: RunnerSocket;
  /** Answers frames. */
  readonly dispatcher: Dispatcher;
  /** Watches calls that wait. */
  readonly deadlines: Deadlines;
  /** The runner's log. */
  readonly log: Logger;
  /** Frees what has expired; called now and then. */
  readonly sweep: () => void;
  /** How often, in milliseconds. */
  readonly sweepEvery: number;
}

/** A runner that serves. */
export class Server {
  readonly #parts: ServerParts;
  readonly #connections = new Set<Connection>();
  readonly #accepting: Promise<void>;
  readonly #sweeper: ReturnType<typeof setInterval>;
  readonly #pulse: LoopbackPulse;
  readonly #turns: Turns;
  #listening = true;
  #ending = false;
  #retiring = false;
  /** Whether APISIX still connects or calls, though the end was asked for. */
  #calledLate = false;
  #shutdown: Promise<void> | null = null;

  /** @param parts What it is made of; it serves from now on. */
  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.#sweeper = setInterval(parts.sweep, parts.sweepEvery);
    this.#sweeper.unref();
    this.#pulse = new LoopbackPulse(() => parts.socket.loopback());
    this.#turns = new Turns(() => this.#pulse.beat());
    this.#accepting = this.#accept();
  }

  /** The address in the form of `APISIX_LISTEN_ADDRESS`. */
  get address(): string {
    return `unix:${this.#parts.socket.path}`;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Settles once the server has ended, however that came about. */
  async finished(): Promise<void> {
    await this.#accepting;
    await this.#shutdown;
  }

  /**
   * Ends the server: goes on serving until no connection is left or the time of grace is over,
   * answers what is pending, closes all, and removes its socket. Asking twice is asking once.
   *
   * @param graceMs How long to go on, in milliseconds.
   */
  shutdown(graceMs: number = GRACE_MS): Promise<void> {
    return this.#shutdown ??= this.#end(graceMs);
  }

  async #end(graceMs: number): Promise<void> {
    this.#ending = true;
    const retireAfter = Math.min(RETIRE_AFTER_MS, graceMs);
    await this.#until(() => this.#isDeserted(), retireAfter);
    this.#retiring = true;
    for (const connection of this.#connections) connection.retire();
    await this.#until(() => this.#isDeserted(), graceMs - retireAfter);
    this.#parts.socket.remove();
    this.#listening = false;
    this.#parts.socket.listener.close();
    await this.#until(() => ![...this.#connections].some((c) => c.active), LAST_CALL_MS);
    const reason = new Error("The runner is shutting down");
    const pending = [...this.#connections].filter((connection) => connection.active).length;
    if (pending > 0) this.#parts.log.warn("Calls are given up at the end", { calls: pending });
    // A peer that does not read must not keep us: APISIX' patience ends.
    await Promise.race([
      Promise.all([...this.#connections].map((connection) => connection.finish(reason))),
      delay(LAST_CALL_MS / 2),
    ]);
    for (const connection of this.#connections) connection.close(reason);
    await this.#pulse.close();
    this.#parts.deadlines.close();
    clearInterval(this.#sweeper);
  }

  /**
   * Whether nobody needs this runner any more. Where calls still come, it is a reload: between two
   * of them nobody is connected, but the next one needs a runner until the new one listens.
   */
  #isDeserted(): boolean {
    if (this.#connections.size > 0) return false;
    return !this.#calledLate || !this.#parts.socket.isInPlace();
  }

  async #until(condition: () => boolean, ms: number): Promise<void> {
    const end = performance.now() + ms;
    // The delay comes first: a connection may have been made that is not accepted yet.
    do await delay(POLL_MS); while (!condition() && performance.now() < end);
  }

  async #accept(): Promise<void> {
    const { socket: { listener }, log } = this.#parts;
    while (this.#listening) {
      try {
        this.#serve(await listener.accept());
      } catch (error) {
        if (!this.#listening) return;
        log.error(`A connection could not be accepted: ${messageOf(error)}`);
        await delay(ACCEPT_BACKOFF_MS);
      }
    }
  }

  #serve(transport: Deno.UnixConn): void {
    const { dispatcher, log } = this.#parts;
    const connection = new Connection(this.#turns.join(transport), dispatcher, log);
    this.#connections.add(connection);
    if (this.#ending) this.#calledLate = true;
    if (this.#retiring) connection.retire();
    connection.serve().then(() => {
      this.#connections.delete(connection);
      if (connection.retired) this.#calledLate = true;
    });
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
