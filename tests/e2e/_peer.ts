/**
 * The other end of a connection: APISIX as it is, and peers that APISIX never is.
 *
 * @module
 */

import assert from "node:assert/strict";

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
import type { ErrorCode } from "../../protocol/errors.ts";
import { Frame, HEADER_BYTES, MAX_PAYLOAD_BYTES } from "../../protocol/frame.ts";
import type {
  HTTPReqCallReq,
  HTTPReqCallResp,
  HTTPRespCallReq,
  HTTPRespCallResp,
  Rewrite,
  Stop,
  TextEntry,
} from "../../protocol/messages.ts";
import { fieldAt, rootTable } from "../../protocol/table.ts";
import { decodeText, encodeText } from "../../protocol/text.ts";
import type { RoutePlugin } from "../../runner/apisix/client.ts";
import { type Answer, Exchange, RunnerError } from "../../runner/apisix/exchange.ts";
import { within } from "./_until.ts";

/** What can be connected to. */
export interface Connectable {
  /** Opens a connection. */
  connect(): Promise<Deno.UnixConn>;
}

/** A connection to a runner, whose every frame is checked. */
export class Peer extends Exchange implements Disposable {
  /** The types of the frames that came, in order. */
  readonly received: number[] = [];
  readonly #connection: Deno.UnixConn;

  private constructor(connection: Deno.UnixConn) {
    super(connection);
    this.#connection = connection;
  }

  /** Connects. */
  static async connect(runner: Connectable): Promise<Peer> {
    return new Peer(await runner.connect());
  }

  /** The next frame; fails when it does not come, or is none that APISIX could take. */
  override async receive(): Promise<Frame | null> {
    const frame = await within(super.receive(), "A frame");
    if (frame !== null) {
      this.received.push(frame.type);
      const length = frame.end - frame.start;
      assert(length >= 12 && length <= MAX_PAYLOAD_BYTES, `A payload of ${length} bytes`);
    }
    return frame;
  }

  /** Sends bytes in pieces of a size, each in a packet of its own as far as that can be. */
  async sendInPieces(bytes: Uint8Array, size: number): Promise<void> {
    for (let at = 0; at < bytes.length; at += size) {
      await this.send(bytes.subarray(at, at + size));
      // So that the runner gets to read.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  /** Says that nothing more will come, and goes on reading. */
  async endSending(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** Waits until the runner closes the connection; fails when it sends something instead. */
  async closedByRunner(): Promise<void> {
    assert.equal(await this.receive().catch(() => null), null);
  }

  /** Prepares a route and gives its token. */
  async prepare(plugins: readonly RoutePlugin[] | null, key: string = newKey()): Promise<number> {
    const token = decodePrepareConfResp(
      await this.call(encodePrepareConfReq({ conf: plugins, key })),
    );
    assert.notEqual(token, 0);
    return token;
  }

  /** Makes a request call. */
  async request(
    confToken: number,
    request: Partial<HTTPReqCallReq> = {},
    answer?: Answer,
  ): Promise<HTTPReqCallResp> {
    return decodeHTTPReqCallResp(await this.call(requestFrame(confToken, request), answer));
  }

  /** Makes a response call. */
  async response(
    confToken: number,
    response: Partial<HTTPRespCallReq> = {},
    answer: Answer = noAnswer,
  ): Promise<HTTPRespCallResp> {
    return decodeHTTPRespCallResp(await this.call(responseFrame(confToken, response), answer));
  }

  /** Closes the connection, however far it got. */
  override close(): void {
    try {
      super.close();
    } catch {
      // It is closed.
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The question is of no interest: there is no such thing. */
export const noAnswer: Answer = () => null;

/** Answers variables by their names, and bodies. */
export function answers(
  variables: Readonly<Record<string, string | Uint8Array>>,
  bodies: { readonly request?: Uint8Array; readonly response?: Uint8Array } = {},
): Answer {
  return (question) => {
    if (question.type === "reqBody") return bodies.request ?? null;
    if (question.type === "respBody") return bodies.response ?? null;
    const value = variables[decodeText(encodeText(question.name))];
    return value === undefined ? null : encodeText(value);
  };
}

/** A plugin on a route. */
export function use(name: string, config: unknown = {}): RoutePlugin {
  return { name, value: JSON.stringify(config) };
}

/** Prepares a route on a connection of its own, as APISIX does. */
export async function prepared(
  runner: Connectable,
  plugins: readonly RoutePlugin[] | null,
  key?: string,
): Promise<number> {
  using peer = await Peer.connect(runner);
  return await peer.prepare(plugins, key);
}

/** Prepares a route and makes one request call, on two connections. */
export async function requested(
  runner: Connectable,
  plugins: readonly RoutePlugin[],
  request?: Partial<HTTPReqCallReq>,
  answer?: Answer,
): Promise<HTTPReqCallResp> {
  using peer = await Peer.connect(runner);
  return await peer.request(await prepared(runner, plugins), request, answer);
}

/** Prepares a route and makes one response call, on two connections. */
export async function responded(
  runner: Connectable,
  plugins: readonly RoutePlugin[],
  response?: Partial<HTTPRespCallReq>,
  answer?: Answer,
): Promise<HTTPRespCallResp> {
  using peer = await Peer.connect(runner);
  const token = await prepared(runner, plugins, `${newKey("post-resp")}`);
  return await peer.response(token, response, answer);
}

/** A request call as a frame: `GET /` from 127.0.0.1, unless said otherwise. */
export function requestFrame(
  confToken: number,
  request: Partial<HTTPReqCallReq> = {},
): Uint8Array {
  return encodeHTTPReqCallReq({
    id: 1,
    srcIp: Uint8Array.of(127, 0, 0, 1),
    method: 0,
    path: "/",
    args: [],
    headers: entries([["host", "localhost"]]),
    confToken,
    ...request,
  });
}

/** A response call as a frame: 200 and a content type, unless said otherwise. */
export function responseFrame(
  confToken: number,
  response: Partial<HTTPRespCallReq> = {},
): Uint8Array {
  return encodeHTTPRespCallReq({
    id: 1,
    status: 200,
    headers: entries([["Content-Type", "text/html"]]),
    confToken,
    ...response,
  });
}

/**
 * A frame that APISIX made, with another token. Its bytes are otherwise left as they are.
 *
 * @param frame A call of either phase that has a token.
 * @param confToken The token.
 */
export function withToken(frame: Uint8Array, confToken: number): Uint8Array {
  const copy = new Uint8Array(frame);
  const whole = Frame.of(copy[0] ?? 0, copy.subarray(HEADER_BYTES));
  const at = fieldAt(whole, rootTable(whole), whole.type === 2 ? 6 : 3, 4);
  assert.notEqual(at, 0);
  whole.view.setUint32(at, confToken, true);
  return copy;
}

let keys = 0;

/** A key as APISIX makes them, which was not used before. */
export function newKey(plugin = "pre-req"): string {
  return `route#${++keys}#ext-plugin-${plugin}#${crypto.randomUUID()}`;
}

/** Names and values as entries. */
export function entries(pairs: readonly (readonly [string, string | null])[]): TextEntry[] {
  return pairs.map(([name, value]) => ({ name, value }));
}

/** Entries as names and values. */
export function pairs(entries: readonly TextEntry[]): [string, string | null][] {
  return entries.map(({ name, value }) => [
    decodeText(encodeText(name)),
    value === null ? null : decodeText(encodeText(value)),
  ]);
}

/** The reply, which must be a Stop. */
export function stopOf({ action }: HTTPReqCallResp): Stop {
  assert(action?.type === "stop", `An answer, not ${action?.type}`);
  return action;
}

/** The reply, which must be a Rewrite. */
export function rewriteOf({ action }: HTTPReqCallResp): Rewrite {
  assert(action?.type === "rewrite", `A rewrite, not ${action?.type}`);
  return action;
}

/** A body as text. */
export function textOf({ body }: { readonly body: Uint8Array | null }): string {
  return body === null ? "" : decodeText(body);
}

/** A body as JSON. */
export function jsonOf(reply: { readonly body: Uint8Array | null }): unknown {
  return JSON.parse(textOf(reply));
}

/** Fails unless the runner answers with an error frame of a code. */
export async function refusedWith(code: ErrorCode, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    assert(error instanceof RunnerError, String(error));
    assert.equal(error.code, code);
    return true;
  });
}

/** Numbers from 0 to below 1 that look random and are the same every time for the same seed. */
export function pseudoRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

/** Bytes that look random. */
export function pseudoRandomBytes(random: () => number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}
