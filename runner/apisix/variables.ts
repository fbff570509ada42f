/**
 * The nginx variables that follow from a request (protocol.md §9).
 *
 * @module
 */

import { decodedPath, type HttpRequest, type Pair, parsedArgs, queryOf } from "./http.ts";

/** The port that clients of examples and tests connect to, and come from. */
const PORTS = { server: "9080", client: "50000" };

/**
 * The value of a variable, as far as the request tells.
 *
 * @param name The variable, without `$`.
 * @param request The request.
 * @returns The value; `null` when there is none, or when it is not about the request.
 */
export function requestVariable(name: string, request: HttpRequest): string | null {
  const known = VARIABLES.get(name);
  if (known !== undefined) return known(request);
  const header = /^http_(.+)$/.exec(name)?.[1];
  if (header !== undefined) return headerValue(request, header.replaceAll("_", "-"));
  const cookie = /^cookie_(.+)$/.exec(name)?.[1];
  if (cookie !== undefined) return cookieValue(request, cookie);
  const arg = /^arg_(.+)$/.exec(name)?.[1];
  return arg === undefined ? null : argValue(request, arg);
}

const VARIABLES: ReadonlyMap<string, (request: HttpRequest) => string | null> = new Map<
  string,
  (request: HttpRequest) => string | null
>([
  ["args", ({ target }) => queryOf(target)],
  ["query_string", ({ target }) => queryOf(target)],
  ["is_args", ({ target }) => queryOf(target) === null ? "" : "?"],
  ["content_length", (request) => headerValue(request, "content-length")],
  ["content_type", (request) => headerValue(request, "content-type")],
  ["document_uri", ({ target }) => decodedPath(target)],
  ["host", host],
  ["method", ({ method }) => method],
  ["real_request_uri", ({ target }) => target],
  ["remote_addr", ({ clientIp }) => clientIp],
  ["remote_port", () => PORTS.client],
  ["request", ({ method, target }) => `${method} ${target} HTTP/1.1`],
  ["request_method", ({ method }) => method],
  ["request_uri", ({ target }) => target],
  ["scheme", () => "http"],
  ["server_addr", () => "127.0.0.1"],
  ["server_port", () => PORTS.server],
  ["server_protocol", () => "HTTP/1.1"],
  // Empty unless a plugin of APISIX has set it (protocol.md §7.1).
  ["upstream_uri", () => ""],
  ["uri", ({ target }) => decodedPath(target)],
]);

/** Without port, in lower case, as nginx has it. */
function host(request: HttpRequest): string | null {
  return headerValue(request, "host")?.replace(/:\d+$/, "").toLowerCase() ?? null;
}

function headerValue({ headers }: HttpRequest, name: string): string | null {
  const values = valuesOf(headers, name.toLowerCase(), (other) => other.toLowerCase());
  const separator = name.toLowerCase() === "cookie" ? "; " : ", ";
  return values.length === 0 ? null : values.join(separator);
}

function cookieValue({ headers }: HttpRequest, name: string): string | null {
  const cookies = valuesOf(headers, "cookie", (other) => other.toLowerCase());
  for (const part of cookies.flatMap((line) => line.split(/;\s*/))) {
    const at = part.indexOf("=");
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1);
  }
  return null;
}

/** The first value; one that is missing is stringified (protocol.md §9). */
function argValue({ target }: HttpRequest, name: string): string | null {
  const [first] = valuesOf(parsedArgs(target), name, (other) => other);
  return first === undefined ? null : first ?? "true";
}

function valuesOf<Value>(
  pairs: readonly Pair<Value>[],
  name: string,
  key: (name: string) => string,
): Value[] {
  return pairs.filter(([other]) => key(other) === name).map(([, value]) => value);
}
