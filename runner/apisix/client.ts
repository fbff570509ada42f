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
import { addressBytes } from "./address.ts";
import { applyResponse, applyRewrite, applyStop, type Passed } from "./apply.ts";
import { type Answer, Exchange, RunnerError } from "./exchange.ts";
import { decodedPath, type HttpRequest, type HttpResponse, type Pair, parsedArgs } from "./http.ts";
import { requestVariable } from "./variables.ts";

/** How often APISIX makes a call that is answered with CONF_TOKEN_NOT_FOUND (protocol.md §5). */
const ATTEMPTS = 3;

/** Connections that a worker keeps for later calls (protocol.md §2). */
const MAX_IDLE = 32;

/** The numbers of a worker's calls wrap at this (protocol.md §7.1). */
const MAX_ID = 2 ** 22;

/** A plugin on a route, with its configuration as the route has it. */
export interface RoutePlugin {
  /** The plugin's name. */
  readonly name: string;
  /** Its configuration: JSON as text. */
  readonly value: string;
}

/** The phases in which `onRequest` runs. */
export type RequestPhase = "pre-req" | "post-req";

/** All phases; `onResponse` runs in the last. */
export type Phase = RequestPhase | "post-resp";

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
  /** nginx' variables, by name; `null`: there is none, whatever the request says. */
  readonly variables?: Readonly<Record<string, string | null>>;
}

/** An APISIX worker: prepares routes, keeps their tokens, and makes calls, several at once too. */
export class ApisixClient {
  readonly #connect: () => Promise<Transport>;
  /** PrepareConf is made once, however many calls wait for it (protocol.md §6.4). */
  readonly #tokens = new Map<string, Promise<number>>();
  readonly #idle: Exchange[] = [];
  #nextId = 0;

  /** @param connect Opens a connection to the runner. */
  constructor(connect: () => Promise<Transport>) {
    this.#connect = connect;
  }

  /**
   * The request phase: ext-plugin-pre-req or ext-plugin-post-req.
   *
   * @param route The route.
   * @param request What the client sent.
   * @param phase Which of the two; to a runner they differ in their key only.
   * @returns What the client or the upstream gets.
   * @throws {RunnerError} When the runner answers with an error, for which the client gets 503.
   * @throws {TypeError} When APISIX cannot send such a request to a runner.
   */
  async request(
    route: Route,
    request: HttpRequest,
    phase: RequestPhase = "pre-req",
  ): Promise<RequestResult> {
    const message = {
      srcIp: addressBytes(request.clientIp),
      method: methodNumber(request.method),
      path: decodedPath(request.target),
      args: entries(parsedArgs(request.target)),
      headers: entries(request.headers.map(([name, value]) => [name.toLowerCase(), value])),
    };
    const { action } = await this.#call(
      route,
      phase,
      answers(route, request, null),
      (id, confToken) => encodeHTTPReqCallReq({ ...message, id, confToken }),
      decodeHTTPReqCallResp,
    );
    if (action === null) return { type: "passed", request, responseHeaders: [] };
    return action.type === "stop"
      ? { type: "stopped", response: asSent(request, applyStop(action)) }
      : { type: "passed", ...applyRewrite(request, action) };
  }

  /**
   * The response phase: ext-plugin-post-resp.
   *
   * @param route The route.
   * @param request What the upstream got.
   * @param upstream What the upstream answered.
   * @returns What the client gets.
   * @throws {RunnerError} When the runner answers with an error, for which the client gets 503 with
   * the upstream's body.
   */
  async response(
    route: Route,
    request: HttpRequest,
    upstream: HttpResponse,
  ): Promise<HttpResponse> {
    const { status } = upstream;
    const headers = entries(upstream.headers);
    const reply = await this.#call(
      route,
      "post-resp",
      answers(route, request, asSent(request, upstream).body),
      (id, confToken) => encodeHTTPRespCallReq({ id, status, headers, confToken }),
      decodeHTTPRespCallResp,
    );
    return asSent(request, applyResponse(upstream, reply));
  }

  /**
   * Gets the token of a route, so that the next call needs none.
   *
   * @param route The route.
   * @param phase The phase.
   * @throws {RunnerError} When the runner gives none.
   */
  async prepare(route: Route, phase: Phase): Promise<void> {
    await this.#token(route, keyOf(route, phase));
  }

  /** Closes what is open. */
  close(): void {
    for (const exchange of this.#idle.splice(0)) exchange.close();
  }

  async #call<Reply>(
    route: Route,
    phase: Phase,
    answer: Answer,
    encode: (id: number, confToken: number) => Uint8Array,
    decode: (frame: Frame) => Reply,
  ): Promise<Reply> {
    const key = keyOf(route, phase);
    for (let attempt = 1;; attempt++) {
      // APISIX opens the connection of the call first, and prepares on another (protocol.md §2).
      const exchange = this.#idle.pop() ?? new Exchange(await this.#connect());
      const id = this.#nextId;
      this.#nextId = (id + 1) % MAX_ID;
      try {
        const token = await this.#token(route, key);
        // Decoded at once: the frame is gone with the next call of its connection.
        const reply = decode(await exchange.call(encode(id, token), answer));
        this.#keep(exchange);
        return reply;
      } catch (error) {
        exchange.close();
        if (!(error instanceof RunnerError)) throw error;
        if (error.code !== ErrorCode.CONF_TOKEN_NOT_FOUND || attempt === ATTEMPTS) {
          throw new RunnerError(error.code, id);
        }
        this.#tokens.clear();
      }
    }
  }

  #keep(exchange: Exchange): void {
    // Unread bytes behind a reply: APISIX does not use such a connection again (protocol.md §2).
    if (exchange.hasUnread || this.#idle.length >= MAX_IDLE) exchange.close();
    else this.#idle.push(exchange);
  }

  #token(route: Route, key: string): Promise<number> {
    const known = this.#tokens.get(key);
    if (known !== undefined) return known;
    const token = this.#prepare(route, key);
    this.#tokens.set(key, token);
    token.catch(() => this.#tokens.delete(key));
    return token;
  }

  async #prepare({ plugins }: Route, key: string): Promise<number> {
    const exchange = new Exchange(await this.#connect());
    try {
      const conf = plugins.length === 0 ? null : plugins;
      return decodePrepareConfResp(await exchange.call(encodePrepareConfReq({ conf, key })));
    } finally {
      exchange.close();
    }
  }
}

function keyOf({ key, plugins }: Route, phase: Phase): string {
  return key ?? `route#1#ext-plugin-${phase}#${JSON.stringify(plugins)}`;
}

/** What nginx answers: the variables given, those that follow from the request, and the bodies. */
function answers(route: Route, request: HttpRequest, responseBody: Uint8Array | null): Answer {
  return (question) => {
    if (question.type === "reqBody") return request.body.length === 0 ? null : request.body;
    if (question.type === "respBody") return responseBody;
    const name = decodeText(encodeText(question.name));
    const { variables = {} } = route;
    const given = Object.hasOwn(variables, name) ? variables[name] : undefined;
    const value = given === undefined ? requestVariable(name, request) : given;
    return value === null ? null : encodeText(value);
  };
}

/** The answer to HEAD has no body, whatever there is. */
function asSent({ method }: HttpRequest, response: HttpResponse): HttpResponse {
  return method === "HEAD" ? { ...response, body: new Uint8Array() } : response;
}

function methodNumber(method: string): number {
  const number = METHODS.indexOf(method);
  if (number >= 0) return number;
  throw new TypeError(
    `Cannot call a runner with the method ${JSON.stringify(method)}: APISIX answers 500 to all ` +
      `but ${METHODS.join(", ")}`,
  );
}

function entries(pairs: readonly Pair<string | null>[]): TextEntry[] {
  return pairs.map(([name, value]) => ({ name, value }));
}
