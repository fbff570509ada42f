/**
 * HTTP messages on APISIX' side of the wire, for tools and tests.
 *
 * @module
 */

/** A header or an argument; `null`: an argument without `=`. */
export type Pair<Value = string> = readonly [name: string, value: Value];

/** A request, as a client sends it or as the upstream gets it. */
export interface HttpRequest {
  /** The method in capitals. */
  readonly method: string;
  /** Path and query as they stand in the request line. */
  readonly target: string;
  /** The headers, in order. */
  readonly headers: readonly Pair[];
  /** The body; empty for none. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The client's address: IPv4, or full IPv6 without `::`. */
  readonly clientIp: string;
}

/** A response, as the upstream sends it or as the client gets it. */
export interface HttpResponse {
  /** The status. */
  readonly status: number;
  /** The headers, in order. */
  readonly headers: readonly Pair[];
  /** The body; empty for none. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The path of a target as nginx gives it to plugins: percent-decoded, without the query. */
export function decodedPath(target: string): string {
  const [path = ""] = target.split("?", 1);
  return decodeLeniently(path);
}

/** The arguments of a target as OpenResty parses them (protocol.md §7.1). */
export function parsedArgs(target: string): Pair<string | null>[] {
  const at = target.indexOf("?");
  if (at < 0) return [];
  return target.slice(at + 1).split("&").flatMap((part): Pair<string | null>[] => {
    const [name = "", ...rest] = part.split("=");
    if (name === "") return [];
    const value = rest.length === 0 ? null : decodeLeniently(rest.join("=").replaceAll("+", " "));
    return [[decodeLeniently(name.replaceAll("+", " ")), value]];
  });
}

/** What APISIX percent-encodes in a path (protocol.md §8.2). */
// deno-lint-ignore no-control-regex -- control characters are among them
const ENCODED = /[\x00-\x1f\x7f-\u{10ffff} "#%<>?\\^`{|}]/gu;

/** A target from a decoded path and arguments, encoded as APISIX does it (protocol.md §8.2). */
export function encodedTarget(path: string, args: readonly Pair<string | null>[]): string {
  const encoded = path.toWellFormed().replace(ENCODED, percent);
  const query = args.map(([name, value]) =>
    encodeURIComponent(name) + (value === null ? "" : `=${encodeURIComponent(value)}`)
  ).join("&");
  return query === "" ? encoded : `${encoded}?${query}`;
}

function percent(character: string): string {
  return Array.from(
    new TextEncoder().encode(character),
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}

/** Escapes that are not valid stay as they are, as in nginx. */
function decodeLeniently(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    const bytes = escapes.slice(1).split("%").map((hex) => parseInt(hex, 16));
    return new TextDecoder().decode(new Uint8Array(bytes));
  });
}
