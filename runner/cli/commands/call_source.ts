/**
 * Bodies and configurations that a command line names.
 *
 * @module
 */

import { messageOf } from "../../../protocol/errors.ts";
import type { Host } from "../command.ts";
import { StartError, UsageError } from "../../errors.ts";

/** Where the values of flags are read from. */
export class Source {
  readonly #host: Pick<Host, "stdin">;
  #stdinIsRead = false;

  /** @param host Has standard input. */
  constructor(host: Pick<Host, "stdin">) {
    this.#host = host;
  }

  /**
   * What a value stands for.
   *
   * @param text The text itself, `@FILE`, or `-` (also `@-`) for standard input.
   * @throws {StartError} When the file cannot be read.
   * @throws {UsageError} When standard input is asked for twice.
   */
  async bytes(text: string): Promise<Uint8Array<ArrayBuffer>> {
    if (text === "-" || text === "@-") return await this.#stdin();
    if (!text.startsWith("@")) return new TextEncoder().encode(text);
    const path = text.slice(1);
    try {
      return await Deno.readFile(path);
    } catch (error) {
      const isMissing = error instanceof Deno.errors.NotFound;
      const reason = isMissing ? "there is no such file" : messageOf(error);
      throw new StartError(`Cannot read ${path}: ${reason}`, { cause: error });
    }
  }

  async #stdin(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#stdinIsRead) throw new UsageError("Standard input can be read once only");
    this.#stdinIsRead = true;
    return await this.#host.stdin();
  }
}
