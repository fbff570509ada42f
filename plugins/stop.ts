/**
 * Answers that end a chain: `stop()`, and what is made of a `Response`.
 *
 * @module
 */

import type { TextEntry } from "../protocol/messages.ts";
import { bodyBytes, type BodyContent } from "./body.ts";
import { headerName, headerValue, isHopByHopOrLength } from "./header_rules.ts";
import { type Abortable, readBody } from "./response_body.ts";

/** Status and headers of an answer, as for `new Response`. */
export interface StopInit {
  /** 200 to 999; 200 when absent. Browsers and nginx know those up to 599. */
  readonly status?: number;
  /** Response headers: an object, or pairs where a name may come several times. */
  readonly headers?: Readonly<Record<string, string>> | Iterable<readonly [string, string]>;
}

/** An answer to the client, made by {@linkcode stop}; it never changes and can be used again. */
export class StopReply {
  /** @internal */
  readonly type = "stop";
  /** The status. */
  readonly status: number;
  /**
   * The headers as they go to the wire.
   *
   * @internal
   */
  readonly headers: readonly TextEntry[];
  /** The body; `null` for none. */
  readonly body: Uint8Array<ArrayBuffer> | null;

  /** @internal */
  constructor(
    status: number,
    headers: readonly TextEntry[],
    body: Uint8Array<ArrayBuffer> | null,
  ) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/**
 * An answer for the client, to be returned by a hook.
 *
 * It takes what `new Response` takes and costs far less: make it once, say in a configuration, and
 * return it for every request.
 *
 * @param body Text, bytes, a value that is sent as JSON, or `null` for none.
 * @param init Status and headers. A JSON body gets `content-type: application/json` unless said
 * otherwise; for text without a type APISIX says `text/plain; charset=utf-8` (protocol.md §8.1).
 * @returns The answer.
 * @throws {RangeError} When the status is not within 200 to 999, or the body is over 16 777 152
 * bytes.
 * @throws {TypeError} When a header is not legal.
 *
 * @example
 * ```ts
 * import { definePlugin, stop } from "../mod.ts";
 *
 * const closed = stop("Back at noon\n", { status: 503, headers: { "retry-after": "3600" } });
 *
 * export default definePlugin({ name: "closed", onRequest: () => closed });
 * ```
 */
export function stop(body: BodyContent | null, init: StopInit = {}): StopReply {
  const status = init.status ?? 200;
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new RangeError(`Cannot stop with the status ${status}: it must be within 200 to 999`);
  }
  const headers: TextEntry[] = [];
  for (const [name, value] of pairs(init.headers ?? {})) {
    const key = headerName(name);
    // As APISIX frames the body itself, these would be wrong or doubled (protocol.md §8.1).
    if (!isHopByHopOrLength(key)) headers.push({ name: key, value: headerValue(key, value) });
  }
  const isJson = body !== null && typeof body !== "string" && !(body instanceof Uint8Array);
  if (isJson && !headers.some(({ name }) => name === "content-type")) {
    headers.push({ name: "content-type", value: "application/json" });
  }
  // A copy of bytes, since the answer can be used again and must not change meanwhile.
  const own = body instanceof Uint8Array ? new Uint8Array(body) : body;
  const bytes = own === null ? null : bodyBytes(own, "response");
  return new StopReply(status, headers, bytes?.length === 0 ? null : bytes);
}

/**
 * What the client gets for a `Response` of the Fetch API.
 *
 * @param response A response whose body has not been read.
 * @param wait Whose signal ends the reading of the body.
 * @returns The answer.
 * @throws {TypeError} When it is an error response, or its body was used before.
 * @throws {RangeError} When its body is over 16 777 152 bytes.
 */
export async function stopFromResponse(response: Response, wait: Abortable): Promise<StopReply> {
  if (response.status < 200) {
    throw new TypeError("Cannot answer with Response.error(): it has no status");
  }
  if (response.bodyUsed || response.body?.locked) {
    throw new TypeError("Cannot answer with a Response whose body was read before: clone() it");
  }
  const body = response.body === null ? null : await readBody(response.body, wait);
  const reply = stop(body, { status: response.status, headers: response.headers });
  // What fetch gives is decoded already, whatever its headers say.
  const headers = response.url === ""
    ? reply.headers
    : reply.headers.filter(({ name }) => name !== "content-encoding");
  return new StopReply(reply.status, headers.map(asFetched), reply.body);
}

/** In the Fetch API each character of a value is one byte: as UTF-8 it would become another. */
function asFetched({ name, value }: TextEntry): TextEntry {
  // deno-lint-ignore no-control-regex -- the characters that UTF-8 leaves as they are
  if (typeof value !== "string" || /^[\x00-\x7f]*$/.test(value)) return { name, value };
  return { name, value: Uint8Array.from(value, (byte) => byte.charCodeAt(0)) };
}

function pairs(
  headers: NonNullable<StopInit["headers"]>,
): Iterable<readonly [string, string]> {
  return isIterable(headers) ? headers : Object.entries(headers);
}

function isIterable(
  headers: NonNullable<StopInit["headers"]>,
): headers is Iterable<readonly [string, string]> {
  return Symbol.iterator in headers;
}
