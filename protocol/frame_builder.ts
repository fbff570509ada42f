/**
 * Building one frame, header and payload, in one buffer.
 *
 * @module
 */

import { Builder } from "flatbuffers";

import { ErrorCode, RpcError } from "./errors.ts";
import { HEADER_BYTES, MAX_PAYLOAD_BYTES } from "./frame.ts";
import type { Text, TextEntry } from "./messages.ts";

const INITIAL_BYTES = 512;

/** A builder that grew past this for a large body is not kept. */
const KEEP_BYTES = 64 * 1024;

/** What a message needs beside its body, usually. */
const ROOM_BESIDE_BODY = 1024;

/**
 * The `flatbuffers` package's builder, reused, with what the protocol adds: texts that may be
 * bytes, lists of entries, and the frame header.
 *
 * A frame that it gives is valid until the next one is begun.
 */
export class FrameBuilder {
  #builder = new Builder(INITIAL_BYTES);

  /**
   * Starts a frame; whatever was begun before is forgotten.
   *
   * @param body The body that will be part of it, so that its room is taken at once.
   * @returns The builder for the tables.
   */
  begin(body: Uint8Array | null = null): Builder {
    if (body !== null && body.length > KEEP_BYTES) {
      this.#builder = new Builder(body.length + ROOM_BESIDE_BODY);
    } else {
      this.#builder.clear();
    }
    return this.#builder;
  }

  /** The builder of the frame that was begun. */
  get builder(): Builder {
    return this.#builder;
  }

  /** Writes a text and gives its offset; 0 for `null`. */
  text(text: Text | null): number {
    if (text === null) return 0;
    return this.#builder.createString(typeof text === "string" ? shortAscii(text) : text);
  }

  /** Writes a byte vector and gives its offset; 0 for `null`. */
  bytes(bytes: Uint8Array | null): number {
    return bytes === null ? 0 : this.#builder.createByteVector(bytes);
  }

  /** Writes a list of `A6.TextEntry` and gives its offset; 0 for `null`. */
  entries(entries: readonly TextEntry[] | null): number {
    if (entries === null) return 0;
    const builder = this.#builder;
    const tables = entries.map((entry) => {
      const value = this.text(entry.value);
      const name = this.text(entry.name);
      builder.startObject(2);
      builder.addFieldOffset(0, name, 0);
      builder.addFieldOffset(1, value, 0);
      return builder.endObject();
    });
    builder.startVector(4, tables.length, 4);
    for (const table of tables.reverse()) builder.addOffset(table);
    return builder.endVector();
  }

  /**
   * Ends the frame.
   *
   * @param type The type byte, see `RpcType`.
   * @param root The offset of the root table.
   * @returns Header and payload, valid until the next {@linkcode begin}.
   * @throws {RpcError} SERVICE_UNAVAILABLE when the payload is over 2^24 - 1 bytes, which would
   * spill into the type byte (protocol.md §3).
   */
  finish(type: number, root: number): Uint8Array {
    const builder = this.#builder;
    // The package's size prefix is four bytes in front of the payload: the place of our header.
    builder.finishSizePrefixed(root);
    const frame = builder.asUint8Array();
    if (builder.dataBuffer().capacity() > KEEP_BYTES) this.#builder = new Builder(INITIAL_BYTES);
    const length = frame.length - HEADER_BYTES;
    if (length > MAX_PAYLOAD_BYTES) {
      throw new RpcError(
        ErrorCode.SERVICE_UNAVAILABLE,
        `Cannot send a message of ${length} bytes: a frame holds ${MAX_PAYLOAD_BYTES}`,
      );
    }
    frame[0] = type;
    frame[1] = length >>> 16;
    frame[2] = length >>> 8;
    frame[3] = length;
    return frame;
  }
}

const SHORT_LENGTH = 128;
const short = new Uint8Array(SHORT_LENGTH);
/** A view for each length, since to make one costs more than to fill it. */
const shortViews = Array.from(short, (_, length) => short.subarray(0, length));

/**
 * The bytes of a short ASCII text, valid until the next; other texts as they are. To let the
 * package encode each text makes an array each time and costs ten times as much.
 */
function shortAscii(text: string): string | Uint8Array {
  const view = shortViews[text.length];
  if (view === undefined) return text;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return text;
    short[i] = code;
  }
  return view;
}
