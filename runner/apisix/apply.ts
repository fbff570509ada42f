/**
 * What APISIX does with the runner's replies (protocol.md §8, §10.4).
 *
 * @module
 */

import type { HTTPRespCallResp, Rewrite, Stop, TextEntry } from "../../protocol/messages.ts";
import { decodeText, encodeText } from "../../protocol/text.ts";
import {
  decodedPath,
  encodedTarget,
  type HttpRequest,
  type HttpResponse,
  type Pair,
  parsedArgs,
} from "./http.ts";
import { nginxPage } from "./nginx_page.ts";

/** Response headers that APISIX neither takes from a Rewrite nor copies by itself (§8.2, §10.4). */
const DROPPED = new Set([
  "connection",
  "content-length",
  "transfer-encoding",
  "location",
  "server",
  "www-authenticate",
  "content-encoding",
  "content-type",
  "content-location",
  "content-language",
]);

/** A request that goes on, and what the client's response will have besides the upstream's. */
export interface Passed {
  /** What the upstream gets. */
  readonly request: HttpRequest;
  /** Headers that are added to the client's response. */
  readonly responseHeaders: readonly Pair[];
}

/**
 * What the client gets for a Stop.
 *
 * @param stop The runner's action.
 */
export function applyStop({ status: given, headers, body }: Stop): HttpResponse {
  const status = given === 0 ? 200 : given;
  const set = responseHeaders(headers);
  if (body === null || body.length === 0) {
    const page = nginxPage(status);
    return page === null ? { status, headers: set, body: new Uint8Array() } : {
      status,
      headers: [...set.filter(([name]) => name !== "content-type"), ["content-type", "text/html"]],
      body: page,
    };
  }
  if (!set.some(([name]) => name === "content-type")) {
    set.push(["content-type", "text/plain; charset=utf-8"]);
  }
  return {
    status,
    headers: set,
    body: isBodiless(status) ? new Uint8Array() : new Uint8Array(body),
  };
}

/**
 * What the upstream gets after a Rewrite.
 *
 * @param request The request as the client sent it.
 * @param rewrite The runner's action.
 */
export function applyRewrite(request: HttpRequest, rewrite: Rewrite): Passed {
  const args = rewrittenArgs(parsedArgs(request.target), rewrite.args);
  const path = rewrite.path === null ? decodedPath(request.target) : text(rewrite.path);
  const isReplaced = rewrite.body !== null && rewrite.body.length > 0;
  const body = isReplaced ? new Uint8Array(rewrite.body) : request.body;
  const headers = rewrittenHeaders(request.headers, rewrite.headers);
  const changed = rewrite.path !== null || rewrite.args.length > 0;
  return {
    request: {
      ...request,
      target: changed ? encodedTarget(path, args) : request.target,
      headers: isReplaced ? withLength(headers, body.length) : headers,
      body,
    },
    responseHeaders: responseHeaders(rewrite.respHeaders).filter(([name]) => !DROPPED.has(name)),
  };
}

/**
 * What the client gets after the response phase.
 *
 * @param upstream The upstream's response.
 * @param reply The runner's reply.
 */
export function applyResponse(upstream: HttpResponse, reply: HTTPRespCallResp): HttpResponse {
  const body = reply.body === null || reply.body.length === 0
    ? upstream.body
    : new Uint8Array(reply.body);
  const status = reply.status === 0 ? upstream.status : reply.status;
  return {
    status,
    headers: reply.headers.length > 0
      ? responseHeaders(reply.headers)
      : upstream.headers.filter(([name]) => !DROPPED.has(name.toLowerCase())),
    body: isBodiless(status) ? new Uint8Array() : body,
  };
}

/** Statuses for which nginx sends no body, whatever there is (§10.4). */
function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}

/** The first of a name sets, further ones add; an absent or empty value is not sent (§8.1). */
function responseHeaders(entries: readonly TextEntry[]): Pair[] {
  return entries.flatMap(({ name, value }): Pair[] =>
    value === null || value.length === 0 ? [] : [[text(name).toLowerCase(), text(value)]]
  );
}

/** Each entry sets, an absent or empty value deletes, the last wins (§8.2 step 2). */
function rewrittenHeaders(headers: readonly Pair[], edits: readonly TextEntry[]): Pair[] {
  let result = [...headers];
  for (const edit of edits) {
    const name = text(edit.name).toLowerCase();
    const at = result.findIndex(([other]) => other.toLowerCase() === name);
    result = result.filter(([other]) => other.toLowerCase() !== name);
    if (edit.value === null || edit.value.length === 0) continue;
    result.splice(at < 0 ? result.length : at, 0, [name, text(edit.value)]);
  }
  return result;
}

/** A new body has a length of its own (§8.2 step 3). */
function withLength(headers: readonly Pair[], length: number): Pair[] {
  const value = String(length);
  const isLength = ([name]: Pair) => name.toLowerCase() === "content-length";
  const framed = headers.filter(([name]) => name.toLowerCase() !== "transfer-encoding");
  return framed.some(isLength)
    ? framed.map((pair) => isLength(pair) ? [pair[0], value] : pair)
    : [...framed, ["content-length", value]];
}

/**
 * The first of a name replaces, further ones add, an absent value deletes (§8.2 step 5). APISIX
 * promises no order; here a replaced argument keeps its place, which reads better.
 */
function rewrittenArgs(
  args: readonly Pair<string | null>[],
  edits: readonly TextEntry[],
): Pair<string | null>[] {
  let result = [...args];
  const seen = new Set<string>();
  for (const edit of edits) {
    const name = text(edit.name);
    const isNamed = ([other]: Pair<string | null>) => other === name;
    const first = result.findIndex(isNamed);
    const last = result.findLastIndex(isNamed);
    if (edit.value === null) {
      result = result.filter((pair) => !isNamed(pair));
      seen.delete(name);
    } else if (seen.has(name)) {
      result.splice(last + 1, 0, [name, text(edit.value)]);
    } else {
      result = result.filter((pair) => !isNamed(pair));
      result.splice(first < 0 ? result.length : first, 0, [name, text(edit.value)]);
      seen.add(name);
    }
  }
  return result;
}

function text(value: string | Uint8Array): string {
  return decodeText(encodeText(value));
}
