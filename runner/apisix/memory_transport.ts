/**
 * A connection within the process: no socket, no file, no time.
 *
 * @module
 */

import type { Transport } from "../connection.ts";

/**
 * Two ends that are connected: what is written to one is read from the other.
 *
 * @returns The ends; both are alike.
 *
 * @example
 * ```ts
 * import { memoryConnection } from "./memory_transport.ts";
 * import assert from "node:assert/strict";
 *
 * const [here, there] = memoryConnection();
 * await here.write(Uint8Array.of(1, 2, 3));
 * const into = new Uint8Array(8);
 * assert.equal(await there.read(into), 3);
 *
 * here.close();
 * assert.equal(await there.read(into), null);
 * ```
 */
export function memoryConnection(): [here: Transport, there: Transport] {
  const [to, from] = [new Pipe(), new Pipe()];
  return [new End(from, to), new End(to, from)];
}

class End implements Transport {
  readonly #in: Pipe;
  readonly #out: Pipe;

  constructor(incoming: Pipe, outgoing: Pipe) {
    this.#in = incoming;
    this.#out = outgoing;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#in.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#out.write(bytes);
  }

  close(): void {
    this.#in.end();
    this.#out.end();
  }
}

/** One direction. What was written before the end can still be read. */
class Pipe {
  readonly #chunks: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | null = null;

  write(bytes: Uint8Array): Promise<number> {
    if (this.#ended) return Promise.reject(new Error("The connection is closed"));
    // A copy, as a kernel makes one: who writes may use the buffer again.
    this.#chunks.push(new Uint8Array(bytes));
    this.#wake?.();
    return Promise.resolve(bytes.length);
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk !== undefined) {
        const part = chunk.subarray(0, into.length);
        into.set(part);
        if (part.length < chunk.length) this.#chunks[0] = chunk.subarray(part.length);
        else this.#chunks.shift();
        return part.length;
      }
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }
}
