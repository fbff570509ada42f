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
  #closed = false;

  /** @param connect Makes the two ends of the connection. */
  constructor(connect: () => Promise<[Deno.Conn, Deno.Conn]>) {
    this.#connect = connect;
  }

  /** Sends the byte and waits for it. */
  async beat(): Promise<void> {
    if (this.#closed) throw new Error("The loopback is closed");
    try {
      const [from, to] = await (this.#ends ??= this.#connect());
      await from.write(this.#byte);
      await to.read(this.#more);
    } catch (error) {
      // The next beat tries anew: there may have been no file descriptors, say.
      await this.#disconnect();
      throw error;
    }
  }

  /** Closes the connection, if there is one; a beat that is under way rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#disconnect();
  }

  async #disconnect(): Promise<void> {
    const ends = this.#ends;
    this.#ends = null;
    for (const end of await ends?.catch(() => []) ?? []) end.close();
  }
}
