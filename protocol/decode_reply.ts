/**
 * What the runner sends, as messages: for tests and tools that play APISIX (protocol.md §5 to §10).
 *
 * Everything is copied out of the frame, so the messages live as long as one likes.
 *
 * @module
 */

import type { Frame } from "./frame.ts";
import type { ExtraInfoReq, HTTPReqCallResp, HTTPRespCallResp, TextEntry } from "./messages.ts";
import {
  broken,
  bytesAt,
  readTable,
  readU16,
  readU32,
  readU8,
  readVector,
  rootTable,
} from "./table.ts";
import { TextEntries } from "./text_entries.ts";

/**
 * Reads `A6.Err.Resp`.
 *
 * @param frame A frame of type 0.
 * @returns The code, which may be one that nobody knows.
 * @throws {RpcError} BAD_REQUEST when the payload is not such a message; so do all functions here.
 */
export function decodeErrorResp(frame: Frame): number {
  return readU8(frame, rootTable(frame), 0);
}

/**
 * Reads `A6.PrepareConf.Resp`.
 *
 * @param frame A frame of type 1.
 * @returns The token.
 */
export function decodePrepareConfResp(frame: Frame): number {
  return readU32(frame, rootTable(frame), 0);
}

/**
 * Reads `A6.HTTPReqCall.Resp`. An action of an unknown type is no action (protocol.md §4.2).
 *
 * @param frame A frame of type 2.
 * @returns The message.
 */
export function decodeHTTPReqCallResp(frame: Frame): HTTPReqCallResp {
  const root = rootTable(frame);
  const id = readU32(frame, root, 0);
  const type = readU8(frame, root, 1);
  if (type !== 1 && type !== 2) return { id, action: null };
  const table = readTable(frame, root, 2);
  if (table === 0) throw broken("action has a type but no value");
  if (type === 1) {
    return {
      id,
      action: {
        type: "stop",
        status: readU16(frame, table, 0),
        headers: entries(frame, table, 1),
        body: bytes(frame, table, 2),
      },
    };
  }
  return {
    id,
    action: {
      type: "rewrite",
      path: bytes(frame, table, 0),
      headers: entries(frame, table, 1),
      args: entries(frame, table, 2),
      respHeaders: entries(frame, table, 3),
      body: bytes(frame, table, 4),
    },
  };
}

/**
 * Reads `A6.HTTPRespCall.Resp`.
 *
 * @param frame A frame of type 4.
 * @returns The message.
 */
export function decodeHTTPRespCallResp(frame: Frame): HTTPRespCallResp {
  const root = rootTable(frame);
  return {
    id: readU32(frame, root, 0),
    status: readU16(frame, root, 1),
    headers: entries(frame, root, 2),
    body: bytes(frame, root, 3),
  };
}

/**
 * Reads `A6.ExtraInfo.Req`: a question of the runner.
 *
 * @param frame A frame of type 3.
 * @returns The question.
 */
export function decodeExtraInfoReq(frame: Frame): ExtraInfoReq {
  const root = rootTable(frame);
  const type = readU8(frame, root, 0);
  const info = readTable(frame, root, 1);
  if (info === 0) throw broken("question has no value");
  if (type === 2) return { type: "reqBody" };
  if (type === 3) return { type: "respBody" };
  const name = bytes(frame, info, 0);
  if (type !== 1 || name === null) throw broken("question is of an unknown kind");
  return { type: "var", name };
}

function bytes(frame: Frame, table: number, slot: number): Uint8Array | null {
  const found = bytesAt(frame, readVector(frame, table, slot, 1));
  return found === null ? null : new Uint8Array(found);
}

function entries(frame: Frame, table: number, slot: number): TextEntry[] {
  const list = new TextEntries(frame, readVector(frame, table, slot, 4));
  return Array.from(list, ({ name, value }) => ({
    name: new Uint8Array(name),
    value: value === null ? null : new Uint8Array(value),
  }));
}
