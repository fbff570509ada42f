/**
 * One connection to a runner, from APISIX' side.
 *
 * @module
 */

import { decodeErrorResp, decodeExtraInfoReq } from "../../protocol/decode_reply.ts";
import { encodeExtraInfoResp } from "../../protocol/encode_request.ts";
import { type Frame, FrameDecoder, RpcType } from "../../protocol/frame.ts";
import type { ExtraInfoReq } from "../../protocol/messages.ts";
import type { Transport } from "../connection.ts";

/** Answers a question of the runner; `null`: there is no such thing. */
export type Answer = (question: ExtraInfoReq) => Uint8Array | null;

/** The runner answered with RPC_ERROR. */
export class RunnerError extends Error {
  override readonly name = "RunnerError";

  /**
   * @param code The code, see `ErrorCode`.
   * @param callId The number of the call, by which the runner's log lines about it are found;
   * `null` when it was none.
   */
  constructor(readonly code: number, readonly callId: number | null = null) {
    super(`The runner answered with the error code ${code}`);
  }
}

/** Sends frames to a runner and gets its answers, one call at a time. */
export class Exchange {
  readonly #transport: Transport;
  readonly #decoder = new FrameDecoder();

  /** @param transport A connection to a runner. */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Makes one call: sends the frame, answers the runner's questions, waits for the reply.
   *
   * @param frame Header and payload.
   * @param answer Answers questions; without it there must be none.
   * @returns The reply, valid until the next call.
   * @throws {RunnerError} When the reply is RPC_ERROR.
   * @throws {Error} When the connection ends, or the reply is of another type than the call.
   */
  async call(frame: Uint8Array, answer?: Answer): Promise<Frame> {
    await this.send(frame);
    for (;;) {
      const reply = await this.receive();
      if (reply === null) throw new Error("The runner closed the connection before it answered");
      if (reply.type === RpcType.EXTRA_INFO && answer !== undefined) {
        await this.send(encodeExtraInfoResp(answer(decodeExtraInfoReq(reply))));
      } else if (reply.type === RpcType.ERROR) {
        throw new RunnerError(decodeErrorResp(reply));
      } else if (reply.type !== frame[0]) {
        throw new Error(`The runner answered type ${frame[0]} with type ${reply.type}`);
      } else {
        return reply;
      }
    }
  }

  /** Sends bytes as they are. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#transport.write(bytes.subarray(at));
  }

  /** The next frame, whatever it is; `null` when the runner has closed the connection. */
  async receive(): Promise<Frame | null> {
    for (;;) {
      const frame = this.#decoder.next();
      if (frame !== null) return frame;
      const count = await this.#transport.read(this.#decoder.space());
      if (count === null) return null;
      this.#decoder.commit(count);
    }
  }

  /** Whether bytes came behind the last frame. */
  get hasUnread(): boolean {
    return this.#decoder.buffered > 0;
  }

  /** Closes the connection. */
  close(): void {
    this.#transport.close();
  }
}
