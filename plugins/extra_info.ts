/**
 * What a call can ask APISIX for: nginx variables and bodies (protocol.md §9).
 *
 * @module
 */

import type { ExtraInfoReq } from "../protocol/messages.ts";
import { decodeText } from "../protocol/text.ts";

/** Asks APISIX one question, on the connection of the call; `null`: there is no such thing. */
export type Ask = (question: ExtraInfoReq) => Promise<Uint8Array<ArrayBuffer> | null>;

/** The answers for one call: each question is asked once, also when several hooks ask at once. */
export class ExtraInfo {
  readonly #ask: Ask;
  #variables: Map<string, Promise<string | null>> | null = null;
  #requestBody: Promise<Uint8Array<ArrayBuffer> | null> | null = null;
  #responseBody: Promise<Uint8Array<ArrayBuffer> | null> | null = null;

  /** @param ask How to ask. */
  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /**
   * An nginx or APISIX variable as text.
   *
   * @param name For example `remote_addr`.
   * @returns The value, or `null` when there is none.
   */
  variable(name: string): Promise<string | null> {
    const asked = this.#variables?.get(name);
    if (asked !== undefined) return asked;
    const answer = handled(this.#text(name));
    (this.#variables ??= new Map()).set(name, answer);
    return answer;
  }

  /** The request body; `null` when there is none. */
  requestBody(): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#requestBody ??= handled(this.#ask({ type: "reqBody" }));
  }

  /**
   * The upstream's response body; only in the response phase. APISIX gives it once, so it has to
   * be kept (protocol.md §9).
   */
  responseBody(): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#responseBody ??= handled(this.#ask({ type: "respBody" }));
  }

  async #text(name: string): Promise<string | null> {
    const bytes = await this.#ask({ type: "var", name });
    return bytes === null ? null : decodeText(bytes);
  }
}

/** A question that no hook waits for any more may fail without ending the process. */
function handled<Value>(answer: Promise<Value>): Promise<Value> {
  answer.catch(() => {});
  return answer;
}
