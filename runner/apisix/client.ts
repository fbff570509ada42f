/**
 * Plays APISIX against a runner, over the real protocol: for tools and tests.
 *
 * @module
 */

import {
  decodeHTTPReqCallResp,
  decodeHTTPRespCallResp,
  decodePrepareConfResp,
} from "../../protocol/decode_reply.ts";
import {
  encodeHTTPReqCallReq,
  encodeHTTPRespCallReq,
  encodePrepareConfReq,
} from "../../protocol/encode_request.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import type { Frame } from "../../protocol/frame.ts";
import { METHODS, type TextEntry } from "../../protocol/messages.ts";
import { decodeText, encodeText } from "../../protocol/text.ts";
import type { Transport } from "../connection.ts";
import { applyResponse, applyRewrite, applyStop, type Passed } from "./apply.ts";
import { type Answer, Exchange, RunnerError } from "./exchange.ts";
import { decodedPath, type HttpRequest, type HttpResponse, type Pair, parsedArgs } from "./http.ts";

/** How often APISIX makes a call that is answered with CONF_TOKEN_NOT_FOUND (protocol.md §5). */
const ATTEMPTS = 3;

/** A plugin on a route, with its configuration as the route has it. */
export interface RoutePlugin {
  /** The plugin's name. */
  readonly name: string;
  /** Its configuration: JSON as text. */
  readonly value: string;
}

/** What the request phase comes to. */
export type RequestResult =
  | { readonly type: "stopped"; readonly response: HttpResponse }
  | { readonly type: "passed" } & Passed;

/** A route: its plugins, and what nginx knows of the request. */
export interface Route {
  /** The `conf` array. */
  readonly plugins: readonly RoutePlugin[];
  /** The idempotency key; made up when absent. */
  readonly key?: string;
  /** nginx' variables, by name. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** An APISIX worker: prepares routes, keeps their tokens, and makes calls. */
export class ApisixClient {
  readonly #connect: () => Promise<Transport>;
  readonly #tokens = new Map<string, number>();
  #idle: Exchange | null = null;
  #id = 0;

  /** @param connect Opens a connection to the runner. */
  constructor(connect: () => Promise<Transport>) {
    this.#connect = connect;
  }

  /**
   * The request phase: ext-plugin-pre-req or ext-plugin-post-req.
   *
   * @param route The route.
   * @param request What the client sent.
   * @returns What the client or the upstream gets.
   * @throws {RunnerError} When the runner answers with an error, for which the client gets 503.
   */
  async request(route: Route, request: HttpRequest): Promise<RequestResult> {
    const reply = await this.#call(
      route,
      "pre-req",
      answers(route, request, null),
      (confToken) =>
        encodeHTTPReqCallReq({
          id: this.#id++,
          srcIp: addressBytes(request.clientIp),
          method: METHODS.indexOf(request.method),
          path: decodedPath(request.target),
          args: entries(parsedArgs(request.target)),
          headers: entries(request.headers.map(([name, value]) => [name.toLowerCase(), value])),
          confToken,
        }),
    );
    const { action } = decodeHTTPReqCallResp(reply);
    if (action === null) return { type: "passed", request, responseHeaders: [] };
    return action.type === "stop"
      ? { type: "stopped", response: applyStop(action) }
      : { type: "passed", ...applyRewrite(request, action) };
  }

  /**
   * The response phase: ext-plugin-post-resp.
   *
   * @param route The route.
   * @param request What the client sent.
   * @param upstream What the upstream answered.
   * @returns What the client gets.
   * @throws {RunnerError} When the runner answers with an error.
   */
  async response(
    route: Route,
    request: HttpRequest,
    upstream: HttpResponse,
  ): Promise<HttpResponse> {
    const answer = answers(route, request, upstream.body);
    const reply = await this.#call(
      route,
      "post-resp",
      answer,
      (confToken) =>
        encodeHTTPRespCallReq({
          id: this.#id++,
          status: upstream.status,
          headers: entries(upstream.headers),
          confToken,
        }),
    );
    return applyResponse(upstream, decodeHTTPRespCallResp(reply));
  }

  /** Closes what is open. */
  close(): void {
    this.#idle?.close();
    this.#idle = null;
  }

  async #call(
    route: Route,
    phase: string,
    answer: Answer,
    encode: (confToken: number) => Uint8Array,
  ): Promise<Frame> {
    const key = route.key ?? `route#1#ext-plugin-${phase}#${JSON.stringify(route.plugins)}`;
    for (let attempt = 1;; attempt++) {
      // APISIX opens the connection of the call first, and prepares on another (protocol.md §2).
      const exchange = this.#idle ?? new Exchange(await this.#connect());
      this.#idle = null;
      try {
        const token = this.#tokens.get(key) ?? await this.#prepare(route, key);
        const reply = await exchange.call(encode(token), answer);
        // Unread bytes behind a reply: APISIX does not use such a connection again (protocol.md §2).
        if (exchange.hasUnread) exchange.close();
        else this.#idle = exchange;
        return reply;
      } catch (error) {
        exchange.close();
        const again = error instanceof RunnerError &&
          error.code === ErrorCode.CONF_TOKEN_NOT_FOUND && attempt < ATTEMPTS;
        if (!again) throw error;
        this.#tokens.clear();
      }
    }
  }

  async #prepare({ plugins }: Route, key: string): Promise<number> {
    const exchange = new Exchange(await this.#connect());
    try {
      const conf = plugins.length === 0 ? null : plugins;
      const token = decodePrepareConfResp(await exchange.call(encodePrepareConfReq({ conf, key })));
      this.#tokens.set(key, token);
      return token;
    } finally {
      exchange.close();
    }
  }
}

/** What nginx answers: the variables given, those that follow from the request, and the bodies. */
function answers(route: Route, request: HttpRequest, responseBody: Uint8Array | null): Answer {
  return (question) => {
    if (question.type === "reqBody") return request.body.length === 0 ? null : request.body;
    if (question.type === "respBody") return responseBody;
    const name = decodeText(encodeText(question.name));
    const value = route.variables?.[name] ?? knownVariable(name, request);
    return value === null ? null : encodeText(value);
  };
}

function knownVariable(name: string, request: HttpRequest): string | null {
  if (name === "request_method" || name === "method") return request.method;
  if (name === "remote_addr") return request.clientIp;
  if (name === "request_uri") return request.target;
  if (name === "upstream_uri") return "";
  const header = /^http_(.+)$/.exec(name)?.[1]?.replaceAll("_", "-");
  if (header !== undefined) return find(request.headers, header);
  const arg = /^arg_(.+)$/.exec(name)?.[1];
  return arg === undefined ? null : find(parsedArgs(request.target), arg);
}

function find(pairs: readonly Pair<string | null>[], name: string): string | null {
  const pair = pairs.find(([other]) => other.toLowerCase() === name.toLowerCase());
  // A valueless argument is stringified (protocol.md §9).
  return pair === undefined ? null : pair[1] ?? "true";
}

function entries(pairs: readonly Pair<string | null>[]): TextEntry[] {
  return pairs.map(([name, value]) => ({ name, value }));
}

/** The address in network order (protocol.md §7.1). */
function addressBytes(address: string): Uint8Array {
  if (/^\d+(\.\d+){3}$/.test(address)) return Uint8Array.from(address.split("."), Number);
  const groups = address.split(":").map((group) => parseInt(group, 16));
  if (groups.length !== 8) return encodeText("unix:");
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}
