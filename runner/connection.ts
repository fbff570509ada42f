/**
 * One connection: bytes in, frames to the dispatcher, replies out.
 *
 * @module
 */

import type { Ask } from "../plugins/extra_info.ts";
import { ReplyEncoder } from "../protocol/encode_reply.ts";
import { ErrorCode, messageOf, RpcError } from "../protocol/errors.ts";
import { type Frame, FrameDecoder, RpcType } from "../protocol/frame.ts";
import { questionFrame } from "../protocol/question_frames.ts";
import { type CallSession, ConnectionLost } from "./call_session.ts";
import type { Dispatcher, Peer } from "./dispatcher.ts";
import type { Logger } from "./logger.ts";
import { encodeReply, type Reply } from "./reply.ts";

/** The bytes of a connection; `Deno.Conn` is one. */
export interface Transport {
  /** Reads some bytes; `null` at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of the bytes and says how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends both directions. */
  close(): void;
}

/**
 * Requests that may wait behind a pending call. APISIX sends none (protocol.md §2); a peer that
 * does is not read from until there is room again.
 */
const MAX_PARKED = 4;

const BODY_GONE = "its body was given to another thread";

/** A question that APISIX has not answered yet. */
interface Question {
  answer(frame: Frame): void;
  reject(reason: Error): void;
}

/**
 * Serves one connection until its peer closes it. Calls come one after the other; while one is
 * pending, its questions and their answers share the connection (protocol.md §9).
 */
export class Connection implements Peer {
  readonly #transport: Transport;
  readonly #dispatcher: Dispatcher;
  readonly #log: Logger;
  readonly #decoder = new FrameDecoder();
  readonly #encoder = new ReplyEncoder();
  readonly #questions: Question[] = [];
  readonly #parked: Frame[] = [];
  /** The call that did not end at once. */
  #session: CallSession | null = null;
  /** Settles when that call, and what was parked behind it, has been answered. */
  #busy: Promise<void> | null = null;
  /** What the socket has not taken yet of the frame that is being written. */
  #unsent: Uint8Array | null = null;
  /** How many bytes that has, whatever a plugin does to a body that it has handed over. */
  #unsentBytes = 0;
  /** What is to follow. */
  readonly #queue: { readonly bytes: Uint8Array; readonly length: number }[] = [];
  readonly #whenWritten: (() => void)[] = [];
  #retiring = false;
  #retired = false;
  #closed = false;

  /** Asks APISIX, while a call is pending. */
  readonly ask: Ask = (question, read) =>
    new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error("Cannot ask APISIX: the connection is closed"));
        return;
      }
      const bytes = questionFrame(question);
      this.#questions.push({ answer: (frame) => resolve(read(frame)), reject });
      if (this.#unsent === null) this.#start(bytes);
      else this.#enqueue(bytes);
    });

  /**
   * @param transport The bytes.
   * @param dispatcher Answers the frames.
   * @param log The runner's log.
   */
  constructor(transport: Transport, dispatcher: Dispatcher, log: Logger) {
    this.#transport = transport;
    this.#dispatcher = dispatcher;
    this.#log = log;
  }

  /**
   * Serves until the end of the connection, whoever ends it.
   *
   * @returns A promise that never rejects.
   */
  async serve(): Promise<void> {
    try {
      await this.#readFrames();
      // The peer may have closed its direction only, and still read.
      if (this.#busy === null) await this.#written();
      if (!this.#closed && this.#decoder.buffered > 0) {
        this.#log.warn("A connection ended in the middle of a frame", {
          bytes: this.#decoder.buffered,
        });
      }
    } catch (error) {
      if (!this.#closed) this.#log.debug(`A connection broke: ${messageOf(error)}`);
    } finally {
      this.close(new ConnectionLost());
    }
  }

  /** A call did not end at once; implements {@linkcode Peer}. */
  pending(session: CallSession): void {
    this.#session = session;
  }

  /** Whether a call is pending or a reply is still being written. */
  get active(): boolean {
    return this.#busy !== null || this.#unsent !== null;
  }

  /** Whether it has closed behind an answer, as it was to {@linkcode retire}. */
  get retired(): boolean {
    return this.#retired;
  }

  /**
   * Closes behind the next answer, in a way that loses no call: were it just closed, the next call
   * could be on its way already, and APISIX would not repeat it (protocol.md §2).
   */
  retire(): void {
    this.#retiring = true;
  }

  /**
   * Ends a pending call with an error, writes what is due, and closes.
   *
   * @param reason Why.
   */
  async finish(reason: Error): Promise<void> {
    this.#session?.giveUp(reason);
    await this.#busy;
    await this.#written();
    this.close(reason);
  }

  /**
   * Closes at once; a pending call is given up.
   *
   * @param reason What its plugins are told.
   */
  close(reason: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#session?.giveUp(reason);
    for (const question of this.#questions.splice(0)) question.reject(reason);
    this.#queue.length = 0;
    this.#unsent = null;
    this.#nothingUnsent();
    try {
      this.#transport.close();
    } catch {
      // It was closed by what made us close it.
    }
  }

  async #readFrames(): Promise<void> {
    while (!this.#closed) {
      const frame = this.#decoder.next();
      if (frame === null) {
        // Issued before the last reply is written out, as nothing is left to answer.
        const count = await this.#transport.read(this.#decoder.space());
        if (count === null) return;
        this.#decoder.commit(count);
      } else if (frame.type === RpcType.EXTRA_INFO) {
        // What nobody asked for is answered too, and so must not come faster than that is read.
        if (this.#questions.length === 0 && this.#unsent !== null) await this.#written();
        this.#answered(frame);
      } else if (this.#busy !== null) {
        this.#parked.push(frame);
        if (this.#parked.length >= MAX_PARKED) await this.#busy;
      } else {
        // A peer that sends without reading gets no further answers until it reads.
        if (this.#unsent !== null) await this.#written();
        if (!this.#closed) this.#handle(frame);
      }
    }
  }

  #handle(frame: Frame): void {
    const reply = this.#dispatcher.dispatch(frame, this);
    if (reply instanceof Promise) {
      this.#decoder.hold();
      this.#busy = this.#drain(reply);
    } else {
      this.#send(reply);
    }
  }

  /** Sends the reply of a pending call, then serves what was parked behind it. */
  async #drain(pending: Promise<Reply>): Promise<void> {
    let reply = await pending;
    for (;;) {
      this.#session = null;
      this.#send(reply);
      const next = this.#parked.shift();
      if (next === undefined || this.#closed) break;
      await this.#written();
      reply = await this.#dispatcher.dispatch(next, this);
    }
    this.#decoder.release();
    this.#busy = null;
  }

  /** APISIX answers in the order of the questions (protocol.md §9). */
  #answered(frame: Frame): void {
    const question = this.#questions.shift();
    if (question === undefined) {
      this.#log.error("APISIX gave an answer that nobody asked for");
      this.#send({ type: "error", code: ErrorCode.BAD_REQUEST });
      if (this.#session !== null) this.close(new Error("APISIX broke the protocol"));
      return;
    }
    try {
      question.answer(frame);
    } catch (thrown) {
      const error = RpcError.from(thrown);
      // Not the plugin's fault: the call ends as one with a broken frame does.
      this.#session?.giveUp(error);
      question.reject(error);
    }
  }

  /**
   * Sends a reply, or lets it wait. It becomes a frame at once in any case, as parts of it may be
   * bytes of the call, which are gone later. One that waits cannot use the encoder: its buffer may
   * be what is being written.
   */
  #send(reply: Reply): void {
    const isFree = this.#unsent === null;
    const encoder = isFree ? this.#encoder : new ReplyEncoder();
    const frame = this.#frameOf(reply, encoder);
    const { tail } = encoder;
    if (this.#retiring && this.#parked.length === 0 && this.#questions.length === 0) {
      this.#retired = true;
      this.#enqueue(withFarewell(frame, tail));
    } else {
      if (isFree && tail === null) return this.#start(frame);
      this.#enqueue(frame);
      if (tail !== null) this.#enqueue(tail);
    }
    if (isFree) this.#sendNext();
  }

  #frameOf(reply: Reply, encoder: ReplyEncoder): Uint8Array {
    try {
      return encodeReply(encoder, reply);
    } catch (thrown) {
      const error = RpcError.from(thrown);
      this.#log.error(error.message);
      return encoder.error(error.code);
    }
  }

  #enqueue(bytes: Uint8Array): void {
    this.#queue.push({ bytes, length: bytes.length });
  }

  /** Hands bytes to the socket; what comes of it arrives in `#onWritten` or `#onWriteFailed`. */
  #start(bytes: Uint8Array, length: number = bytes.length): void {
    if (this.#closed) return;
    if (bytes.length !== length) {
      // To go on would let the next answer be taken for the rest of this one.
      this.#onWriteFailed(new Error(BODY_GONE));
      return;
    }
    this.#unsent = bytes;
    this.#unsentBytes = length;
    this.#transport.write(bytes).then(this.#onWritten, this.#onWriteFailed);
  }

  // Bound once: closures and promises for each reply would cost a tenth of the call.
  readonly #onWritten = (count: number): void => {
    const bytes = this.#unsent;
    if (bytes === null) return;
    const rest = this.#unsentBytes - count;
    if (rest > 0) {
      if (count === 0) this.#onWriteFailed(new Error("it takes no bytes"));
      else if (bytes.length !== this.#unsentBytes) this.#onWriteFailed(new Error(BODY_GONE));
      else this.#start(bytes.subarray(count), rest);
      return;
    }
    this.#unsent = null;
    this.#sendNext();
  };

  #sendNext(): void {
    const next = this.#queue.length === 0 ? undefined : this.#queue.shift();
    if (next === undefined) this.#allSent();
    else this.#start(next.bytes, next.length);
  }

  #allSent(): void {
    this.#nothingUnsent();
    if (this.#retired) this.close(new Error("The runner is shutting down"));
  }

  readonly #onWriteFailed = (error: unknown): void => {
    if (!this.#closed) this.#log.debug(`A reply could not be written: ${messageOf(error)}`);
    this.close(new ConnectionLost());
  };

  /** Settles when everything that was sent has been written, or never will be. */
  #written(): Promise<void> {
    if (this.#unsent === null) return Promise.resolve();
    return new Promise((resolve) => this.#whenWritten.push(resolve));
  }

  #nothingUnsent(): void {
    if (this.#whenWritten.length === 0) return;
    for (const resolve of this.#whenWritten.splice(0)) resolve();
  }
}

/**
 * A byte behind an answer, in the same write: APISIX takes the answer, and does not use a
 * connection again on which there is more to read (protocol.md §2).
 */
function withFarewell(frame: Uint8Array, tail: Uint8Array | null): Uint8Array {
  const bytes = new Uint8Array(frame.length + (tail?.length ?? 0) + 1);
  bytes.set(frame);
  if (tail !== null) bytes.set(tail, frame.length);
  return bytes;
}
