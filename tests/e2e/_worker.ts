/**
 * A worker of nginx under constant traffic: it keeps a connection as nginx' pool does.
 *
 * @module
 */

import assert from "node:assert/strict";

import {
  decodeErrorResp,
  decodeHTTPReqCallResp,
  decodePrepareConfResp,
} from "../../protocol/decode_reply.ts";
import { encodePrepareConfReq } from "../../protocol/encode_request.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { type Frame, FrameDecoder, RpcType } from "../../protocol/frame.ts";
import type { RoutePlugin } from "../../runner/apisix/client.ts";
import { newKey, requestFrame, stopOf, textOf } from "./_peer.ts";
import { delay, within } from "./_until.ts";

/**
 * A connection in the pool. nginx listens on it, and so learns of its end while it is idle; one on
 * which something is left to read it does not use again (protocol.md §2).
 */
class PooledConnection {
  readonly #connection: Deno.UnixConn;
  readonly #decoder = new FrameDecoder();
  #waiting: ((frame: Frame | null) => void) | null = null;
  /** Whether it cannot be used again. */
  ended = false;

  constructor(connection: Deno.UnixConn) {
    this.#connection = connection;
    this.#read();
  }

  /** Sends a frame and gives the answer; `null` when the connection ends instead. */
  async call(bytes: Uint8Array): Promise<Frame | null> {
    const reply = new Promise<Frame | null>((resolve) => this.#waiting = resolve);
    try {
      for (let at = 0; at < bytes.length;) {
        at += await this.#connection.write(bytes.subarray(at));
      }
    } catch {
      return null;
    }
    return await within(reply, "A reply");
  }

  close(): void {
    if (this.ended) return;
    this.ended = true;
    this.#connection.close();
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const count = await this.#connection.read(this.#decoder.space());
        if (count === null) break;
        this.#decoder.commit(count);
        const frame = this.#decoder.next();
        if (frame !== null) this.#waiting?.(frame);
        if (frame !== null && this.#decoder.buffered > 0) break;
      }
    } catch {
      // Reset by the runner, or closed by ourselves.
    }
    this.close();
    this.#waiting?.(null);
  }
}

/** What came of the calls of a worker. */
export interface Tally {
  /** Calls that were answered as they should be. */
  answered: number;
  /** Those among them that had to be prepared anew (code 2). */
  preparedAnew: number;
  /** Calls for which the client got 503, each with the reason. */
  lost: string[];
}

/** Calls a route again and again until it is told to stop. */
export class Worker {
  /** What came of it. */
  readonly tally: Tally = { answered: 0, preparedAnew: 0, lost: [] };
  readonly #path: string;
  readonly #plugins: readonly RoutePlugin[];
  readonly #expected: string;
  readonly #key = newKey();
  readonly #done: Promise<void>;
  #idle: PooledConnection | null = null;
  #token: number | null = null;
  #stopping = false;

  /**
   * @param path The socket's path.
   * @param plugins What the route has.
   * @param expected The body that they answer with.
   */
  constructor(path: string, plugins: readonly RoutePlugin[], expected: string) {
    this.#path = path;
    this.#plugins = plugins;
    this.#expected = expected;
    this.#done = this.#run();
  }

  /** Ends after the call that is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
    this.#idle?.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#call();
        this.tally.answered++;
      } catch (error) {
        this.tally.lost.push(String(error));
      }
      // Requests of clients come when they come; meanwhile nginx looks after its connections.
      await delay(Math.random() * 4);
    }
  }

  async #call(): Promise<void> {
    for (let attempt = 1;; attempt++) {
      const connection = this.#idle?.ended === false ? this.#idle : await this.#connect();
      this.#idle = null;
      const token = this.#token ??= await this.#prepare();
      const reply = await connection.call(requestFrame(token));
      if (reply?.type === RpcType.HTTP_REQ_CALL) {
        assert.equal(textOf(stopOf(decodeHTTPReqCallResp(reply))), this.#expected);
        this.#idle = connection;
        return;
      }
      connection.close();
      if (reply === null) throw new Error("the connection ended before the answer");
      const code = decodeErrorResp(reply);
      if (code !== ErrorCode.CONF_TOKEN_NOT_FOUND || attempt === 3) throw new Error(`code ${code}`);
      this.#token = null;
      this.tally.preparedAnew++;
    }
  }

  async #prepare(): Promise<number> {
    const connection = await this.#connect();
    const reply = await connection.call(
      encodePrepareConfReq({ conf: this.#plugins, key: this.#key }),
    );
    connection.close();
    if (reply === null) throw new Error("the connection ended before PrepareConf was answered");
    return decodePrepareConfResp(reply);
  }

  async #connect(): Promise<PooledConnection> {
    return new PooledConnection(await Deno.connect({ transport: "unix", path: this.#path }));
  }
}
