/**
 * Turns for more connections than the runtime serves fairly.
 *
 * Deno's scheduler lets a task complete 128 socket operations, then lets the rest wait until it has
 * looked for new events. Those come first. A connection that was served is back with its next call
 * by then: with more than 128 busy connections the same ones win every time, and the others wait
 * for tens of milliseconds. So when that many were served at once, they read again only after the
 * others had their turn: p99 at 256 busy connections falls to a fifth (docs/performance.md).
 *
 * @module
 */

import { setImmediate } from "node:timers";

import type { Transport } from "./connection.ts";

/** Below this many open connections nothing is done, and nothing is paid. */
const FEW_OPEN = 96;

/** So many connections that were served at once leave others waiting. */
const MANY_SERVED = 64;

/** Settles after the runtime has looked for new events and let everybody else have a turn. */
export type Pulse = () => Promise<void>;

/** Lets the connections of a server read in turns. */
export class Turns {
  readonly #pulse: Pulse;
  #open = 0;
  /** Those that were served in this round of the event loop, and want to read again. */
  #waiting: (() => void)[] = [];

  /** @param pulse See {@linkcode Pulse}. */
  constructor(pulse: Pulse) {
    this.#pulse = pulse;
  }

  /**
   * Takes a connection in.
   *
   * @param transport The connection.
   * @returns The same, taking turns until it is closed.
   */
  join(transport: Transport): Transport {
    this.#open++;
    let isOpen = true;
    return {
      read: (into) =>
        this.#open <= FEW_OPEN
          ? transport.read(into)
          : this.#turn().then(() => transport.read(into)),
      write: (bytes) => transport.write(bytes),
      close: () => {
        if (isOpen) this.#open--;
        isOpen = false;
        transport.close();
      },
    };
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      // The first of a round comes back when all that are served in it are known.
      if (this.#waiting.push(resolve) === 1) setImmediate(this.#endRound);
    });
  }

  readonly #endRound = (): void => {
    if (this.#waiting.length < MANY_SERVED) this.#resume();
    else this.#pulse().then(this.#resume, this.#resume);
  };

  readonly #resume = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  };
}
