/**
 * Two ends of a connection in memory, with the troubles that real ones have.
 *
 * @module
 */

import type { Transport } from "../../runner/connection.ts";

/** What is unusual about an end. */
export interface Trouble {
  /** How many bytes a read gives at most. */
  readonly maxRead?: number;
  /** How many bytes a write takes at most. */
  readonly maxWrite?: number;
}

/** Two ends that are connected. */
export function transportPair(trouble: Trouble = {}): [MemoryTransport, MemoryTransport] {
  const [there, back] = [new Pipe(), new Pipe()];
  return [new MemoryTransport(back, there, trouble), new MemoryTransport(there, back, {})];
}

/** One end of a connection. */
export class MemoryTransport implements Transport {
  readonly #in: Pipe;
  readonly #out: Pipe;
  readonly #maxRead: number;
  readonly #maxWrite: number;
  #stalled: PromiseWithResolvers<void> | null = null;
  #broken: Error | null = null;
  #closed = false;

  constructor(incoming: Pipe, outgoing: Pipe, { maxRead, maxWrite }: Trouble) {
    this.#in = incoming;
    this.#out = outgoing;
    this.#maxRead = maxRead ?? Infinity;
    this.#maxWrite = maxWrite ?? Infinity;
  }

  /** Whether this end was closed from this side. */
  get closed(): boolean {
    return this.#closed;
  }

  async read(into: Uint8Array): Promise<number | null> {
    const bytes = await this.#in.take(Math.min(into.length, this.#maxRead));
    if (bytes === null) return null;
    into.set(bytes);
    return bytes.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#stalled?.promise;
    if (this.#broken !== null) throw this.#broken;
    if (this.#closed) throw new Error("this end is closed");
    // Copied when the write is done, as a kernel does: who changes them meanwhile will notice.
    const part = new Uint8Array(bytes.subarray(0, this.#maxWrite));
    this.#out.give(part);
    return part.length;
  }

  close(): void {
    if (this.#closed) throw new Error("this end is closed already");
    this.#closed = true;
    this.#in.break();
    this.#out.end();
    this.resume();
  }

  /** Says that nothing more will be written; the other direction goes on. */
  closeWrite(): void {
    this.#out.end();
  }

  /** From now on writes wait until {@linkcode resume}. */
  stall(): void {
    this.#stalled ??= Promise.withResolvers();
  }

  /** Lets writes go on. */
  resume(): void {
    this.#stalled?.resolve();
    this.#stalled = null;
  }

  /** From now on writes fail. */
  breakWrites(): void {
    this.#broken = new Error("broken pipe");
    this.resume();
  }
}

/** One direction. */
class Pipe {
  #bytes = new Uint8Array();
  #ended = false;
  #broken = false;
  #wake: (() => void) | null = null;

  give(bytes: Uint8Array): void {
    if (this.#broken || this.#ended) throw new Error("nobody reads");
    const all = new Uint8Array(this.#bytes.length + bytes.length);
    all.set(this.#bytes);
    all.set(bytes, this.#bytes.length);
    this.#bytes = all;
    this.#wake?.();
  }

  async take(limit: number): Promise<Uint8Array | null> {
    while (this.#bytes.length === 0 && !this.#ended && !this.#broken) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#broken) throw new Error("this end was closed while it was read from");
    if (this.#bytes.length === 0) return null;
    const taken = this.#bytes.slice(0, limit);
    this.#bytes = this.#bytes.slice(taken.length);
    return taken;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  break(): void {
    this.#broken = true;
    this.#wake?.();
  }
}
