/**
 * A connection of the runner to itself.
 *
 * @module
 */

/**
 * One byte that goes out through the kernel and comes back: there is no other way to wait for the
 * runtime's next look at its sockets. It costs two system calls, and is made when first used.
 */
export class LoopbackPulse {
  readonly #connect: () => Promise<[Deno.Conn, Deno.Conn]>;
  readonly #byte = new Uint8Array(1);
  /** A read that fills its buffer lets the runtime try the next one without having looked. */
  readonly #more = new Uint8Array(16);
  #ends: Promise<[Deno.Conn, Deno.Conn]> | null = null;

  /** @param connect Makes the two ends of the connection. */
  constructor(connect: () => Promise<[Deno.Conn, Deno.Conn]>) {
    this.#connect = connect;
  }

  /** Sends the byte and waits for it. */
  async beat(): Promise<void> {
    const [from, to] = await (this.#ends ??= this.#connect());
    await from.write(this.#byte);
    await to.read(this.#more);
  }

  /** Closes the connection, if there is one; a beat that is under way rejects. */
  async close(): Promise<void> {
    const ends = await this.#ends?.catch(() => null);
    for (const end of ends ?? []) end.close();
  }
}
