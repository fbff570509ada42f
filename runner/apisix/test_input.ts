/**
 * Requests and responses as tests write them down.
 *
 * @module
 */

import { bodyBytes, type BodyContent } from "../../plugins/body.ts";
import { headerName, headerValue } from "../../plugins/header_rules.ts";
import type { HttpRequest, HttpResponse, Pair } from "./http.ts";
import type { RequestOutcome } from "./outcome.ts";

/** Headers: an object, with a list where a name comes several times, or pairs, as in `Headers`. */
export type HeaderInput =
  | Readonly<Record<string, string | readonly string[]>>
  | Iterable<readonly [name: string, value: string]>;

/** Values of nginx variables by name, without `$`; `null` says that there is none. */
export type VariableInput = Readonly<Record<string, string | null>>;

/** What a client sends besides the path; what is left out is as plain as can be. */
export interface RequestInput {
  /** The method in capitals; GET when absent, POST when there is a body. */
  readonly method?: string;
  /** The headers. `host` and `content-length` are added where they are missing. */
  readonly headers?: HeaderInput;
  /** The body: text, bytes, or a value that is sent as JSON, with its `content-type`. */
  readonly body?: BodyContent;
  /**
   * nginx variables that the plugin may ask for. Those that follow from the request need not be
   * given: `request_method`, `host`, `http_…`, `arg_…`, `cookie_…` and the like.
   */
  readonly vars?: VariableInput;
  /** The client's address: IPv4, IPv6 or `unix:`; `127.0.0.1` when absent. */
  readonly clientIp?: string;
}

/** What the upstream answers; what is left out is as plain as can be. */
export interface ResponseInput {
  /** The status, 200 to 999; 200 when absent. */
  readonly status?: number;
  /** The headers. `content-length` is added where it is missing. */
  readonly headers?: HeaderInput;
  /** The body: text, bytes, or a value that is sent as JSON, with its `content-type`. */
  readonly body?: BodyContent;
  /**
   * What the request phase of the same tester gave, to go on with: the response phase then is that
   * of the same request, with its variables, its body, and what the plugins `shared`.
   */
  readonly request?: RequestOutcome;
  /** The request's method, where no `request` is given; GET when absent. */
  readonly method?: string;
  /** nginx variables that the plugin may ask for, in front of those of the `request`. */
  readonly vars?: VariableInput;
}

/** What may not stand in a request line as it is. */
// deno-lint-ignore no-control-regex -- control characters are among them
const NOT_IN_TARGET = /[\x00-\x20\x7f-\u{10ffff}]+/gu;

/**
 * The request that a client sends.
 *
 * @param path Path and query, or a whole URL.
 * @param input The rest.
 * @throws {TypeError} When it cannot be sent.
 */
export function requestFrom(path: string | URL, input: RequestInput = {}): HttpRequest {
  const { host, target } = targetOf(String(path));
  const { headers: given = [], clientIp = "127.0.0.1" } = input;
  const { body, type } = content(input.body, "request");
  const headers = headerPairs(given);
  if (!has(headers, "host")) headers.unshift(["host", host]);
  if (type !== null && !has(headers, "content-type")) headers.push(["content-type", type]);
  if (body.length > 0) addLength(headers, body.length);
  const method = input.method ?? (body.length > 0 ? "POST" : "GET");
  return { method, target, headers, body, clientIp };
}

/**
 * The response that an upstream sends.
 *
 * @param input What is in it.
 * @throws {TypeError} When it cannot be sent.
 * @throws {RangeError} When the status is none.
 */
export function responseFrom(input: ResponseInput): HttpResponse {
  const { status = 200, headers: given = [] } = input;
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new RangeError(`Cannot respond with the status ${status}: it must be within 200 to 999`);
  }
  const { body, type } = content(input.body, "response");
  const headers = headerPairs(given);
  if (type !== null && !has(headers, "content-type")) headers.push(["content-type", type]);
  if (status !== 204 && status !== 304) addLength(headers, body.length);
  return { status, headers, body };
}

function targetOf(path: string): { host: string; target: string } {
  const [, host = "localhost", rest = path] = /^https?:\/\/([^/?#]+)(.*)$/is.exec(path) ?? [];
  const target = (rest.split("#", 1)[0] ?? "").replace(NOT_IN_TARGET, encodeURIComponent);
  if (target === "" || target.startsWith("?")) return { host, target: `/${target}` };
  if (target.startsWith("/")) return { host, target };
  throw new TypeError(
    `Cannot request ${JSON.stringify(path)}: give a path, like "/users?id=7", or a whole URL`,
  );
}

function content(
  body: BodyContent | undefined,
  kind: string,
): { body: Uint8Array<ArrayBuffer>; type: string | null } {
  if (body === undefined) return { body: new Uint8Array(), type: null };
  const isJson = typeof body !== "string" && !(body instanceof Uint8Array);
  return { body: bodyBytes(body, kind), type: isJson ? "application/json" : null };
}

function headerPairs(headers: HeaderInput): Pair[] {
  const pairs = isIterable(headers)
    ? Array.from(headers, ([name, value]): Pair => [name, value])
    : Object.entries(headers).flatMap(([name, values]) =>
      (typeof values === "string" ? [values] : values).map((value): Pair => [name, value])
    );
  return pairs.map(([name, value]) => {
    // Refuses what no client could send.
    headerName(name);
    return [name, headerValue(name, value)];
  });
}

function isIterable(
  headers: HeaderInput,
): headers is Iterable<readonly [string, string]> {
  return Symbol.iterator in headers;
}

function addLength(headers: Pair[], length: number): void {
  if (has(headers, "content-length") || has(headers, "transfer-encoding")) return;
  headers.push(["content-length", String(length)]);
}

function has(headers: readonly Pair[], name: string): boolean {
  return headers.some(([other]) => other.toLowerCase() === name);
}
