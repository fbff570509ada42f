/**
 * Requests and responses that were sent, in the names of the Fetch API: for tests of plugins.
 *
 * @module
 */

import { decodeText } from "../../protocol/text.ts";
import { decodedPath, type HttpRequest, type HttpResponse, type Pair, queryOf } from "./http.ts";

/** Headers that were sent, to be read. Names are compared without regard to case. */
export class SentHeaders implements Iterable<[string, string]> {
  /** All lines in their order: the name in lower case, and the value. */
  readonly lines: readonly (readonly [name: string, value: string])[];

  /** @internal */
  constructor(pairs: readonly Pair[]) {
    this.lines = pairs.map(([name, value]) => [name.toLowerCase(), value]);
  }

  /**
   * The value of a header.
   *
   * @param name Any case.
   * @returns The value; several are joined with `, ` (`cookie`: with `; `); `null` when absent.
   */
  get(name: string): string | null {
    const values = this.getAll(name);
    const separator = name.toLowerCase() === "cookie" ? "; " : ", ";
    return values.length === 0 ? null : values.join(separator);
  }

  /**
   * All values of a header, in order.
   *
   * @param name Any case.
   * @returns One string a line; none when absent.
   */
  getAll(name: string): string[] {
    const key = name.toLowerCase();
    return this.lines.filter(([other]) => other === key).map(([, value]) => value);
  }

  /** The values of all `set-cookie` headers. */
  getSetCookie(): string[] {
    return this.getAll("set-cookie");
  }

  /**
   * Whether a header is there.
   *
   * @param name Any case.
   */
  has(name: string): boolean {
    const key = name.toLowerCase();
    return this.lines.some(([other]) => other === key);
  }

  /** Names (lower case) and values, line by line. */
  entries(): IterableIterator<[string, string]> {
    return this.lines.map(([name, value]): [string, string] => [name, value]).values();
  }

  /** The names, in lower case, each once. */
  keys(): IterableIterator<string> {
    return new Set(this.lines.map(([name]) => name)).values();
  }

  /** The values, in the order of `entries`. */
  values(): IterableIterator<string> {
    return this.lines.map(([, value]) => value).values();
  }

  /** The same as `entries`. */
  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }
}

/** A message that was sent: its headers and its body, which is there at once. */
export class SentMessage {
  /** The headers. */
  readonly headers: SentHeaders;
  /** The body's bytes; none when there is no body. */
  readonly body: Uint8Array<ArrayBuffer>;

  /** @internal */
  constructor(headers: readonly Pair[], body: Uint8Array<ArrayBuffer>) {
    this.headers = new SentHeaders(headers);
    this.body = body;
  }

  /** The body as text, decoded as UTF-8. */
  text(): string {
    return decodeText(this.body);
  }

  /**
   * The body parsed as JSON.
   *
   * @throws {SyntaxError} When it is not JSON.
   */
  json(): unknown {
    return JSON.parse(this.text());
  }
}

/** What the upstream gets. */
export class UpstreamRequest extends SentMessage {
  /** The method in capitals. */
  readonly method: string;
  /** Path and query as they stand in the request line, for example `/a%20b?x=1&flag`. */
  readonly target: string;
  /** The path, percent-decoded, without the query. */
  readonly path: string;
  /** The arguments. One without `=` reads as `""`; `target` tells them apart. */
  readonly query: URLSearchParams;

  /** @internal */
  constructor({ method, target, headers, body }: HttpRequest) {
    super(headers, body);
    this.method = method;
    this.target = target;
    this.path = decodedPath(target);
    this.query = new URLSearchParams(queryOf(target) ?? "");
  }
}

/** What the client gets. */
export class ClientResponse extends SentMessage {
  /** The status. */
  readonly status: number;

  /** @internal */
  constructor({ status, headers, body }: HttpResponse) {
    super(headers, body);
    this.status = status;
  }
}
