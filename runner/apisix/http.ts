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
  /** The client's address: IPv4, IPv6, or `unix:`. */
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

/**
 * The path of a target as nginx gives it to plugins: percent-decoded, without the query, dot
 * segments resolved, and slashes that follow each other merged (protocol.md §7.1).
 *
 * @param target Path and query.
 */
export function decodedPath(target: string): string {
  const [path = ""] = target.split("?", 1);
  const decoded = decodeLeniently(path);
  if (!/\/\.{0,2}(\/|$)/.test(decoded)) return decoded;
  const segments: string[] = [];
  const parts = decoded.split("/").slice(1);
  for (const part of parts) {
    if (part === "..") segments.pop();
    else if (part !== "." && part !== "") segments.push(part);
  }
  const endsOpen = ["", ".", ".."].includes(parts.at(-1) ?? "");
  return `/${segments.join("/")}${endsOpen && segments.length > 0 ? "/" : ""}`;
}

/**
 * The query of a target, as it stands there.
 *
 * @param target Path and query.
 * @returns What follows the `?`; `null` when there is nothing.
 */
export function queryOf(target: string): string | null {
  const at = target.indexOf("?");
  return at < 0 || at === target.length - 1 ? null : target.slice(at + 1);
}

/**
 * The arguments of a target as OpenResty parses them (protocol.md §7.1).
 *
 * @param target Path and query.
 */
export function parsedArgs(target: string): Pair<string | null>[] {
  return (queryOf(target) ?? "").split("&").flatMap((part): Pair<string | null>[] => {
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
