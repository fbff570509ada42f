/**
 * What a call can ask APISIX for: nginx variables and bodies (protocol.md §9).
 *
 * @module
 */

import { decodeExtraInfoResp, decodeExtraInfoText } from "../protocol/decode_request.ts";
import type { Frame } from "../protocol/frame.ts";
import type { ExtraInfoReq } from "../protocol/messages.ts";

/**
 * Asks APISIX one question, on the connection of the call.
 *
 * @param question What is asked for.
 * @param read Reads the answer from its frame, which is gone afterwards.
 * @returns What was read.
 */
export type Ask = <Answer>(
  question: ExtraInfoReq,
  read: (frame: Frame) => Answer,
) => Promise<Answer>;

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
    const answer = handled(this.#ask({ type: "var", name }, decodeExtraInfoText));
    (this.#variables ??= new Map()).set(name, answer);
    return answer;
  }

  /** The request body; `null` when there is none. */
  requestBody(): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#requestBody ??= handled(this.#ask({ type: "reqBody" }, decodeExtraInfoResp));
  }

  /**
   * The upstream's response body; only in the response phase. APISIX gives it once, so it has to
   * be kept (protocol.md §9).
   */
  responseBody(): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#responseBody ??= handled(this.#ask({ type: "respBody" }, decodeExtraInfoResp));
  }
}

/**
 * Lets a promise fail without ending the process, should no hook wait for it any more.
 *
 * @param answer What may fail.
 * @returns The same promise.
 */
export function handled<Value>(answer: Promise<Value>): Promise<Value> {
  answer.catch(() => {});
  return answer;
}
