/**
 * Reading FlatBuffers tables with every offset checked before it is followed.
 *
 * The accessors of the `flatbuffers` package follow offsets unchecked and make a string of every
 * text. Here a position outside of the payload is a {@linkcode RpcError} with BAD_REQUEST, and
 * texts stay bytes until somebody asks for them (docs/design.md, "The codec").
 *
 * Positions are indexes into the frame's buffer. 0 stands for "absent": no field can lie there,
 * since the header comes first.
 *
 * @module
 */

import { RpcError } from "./errors.ts";
import type { Frame } from "./frame.ts";

/**
 * The root table of a payload.
 *
 * @param frame The frame.
 * @returns The table's position.
 */
export function rootTable(frame: Frame): number {
  if (frame.end - frame.start < 8) throw broken("payload is shorter than an empty table");
  return followTable(frame, frame.start);
}

/**
 * Follows the offset of a table and checks that the table and its vtable lie in the payload.
 *
 * @param frame The frame.
 * @param at Where the offset stands.
 * @returns The table's position.
 */
export function followTable(frame: Frame, at: number): number {
  const table = at + frame.view.getUint32(at, true);
  if (table > frame.end - 4) throw broken("table lies outside of the payload");
  const vtable = table - frame.view.getInt32(table, true);
  if (vtable < frame.start || vtable > frame.end - 4) {
    throw broken("vtable lies outside of the payload");
  }
  const vtableBytes = frame.view.getUint16(vtable, true);
  const tableBytes = frame.view.getUint16(vtable + 2, true);
  if (vtableBytes < 4 || vtable + vtableBytes > frame.end) throw broken("vtable is cut off");
  if (tableBytes < 4 || table + tableBytes > frame.end) throw broken("table is cut off");
  return table;
}

/**
 * Where a field of a table lies.
 *
 * @param frame The frame.
 * @param table The table's position, from {@linkcode followTable}.
 * @param slot The field's number in the order of declaration, from 0.
 * @param bytes How many bytes the field takes in the table.
 * @returns Its position, or 0 when it is absent.
 */
export function fieldAt(frame: Frame, table: number, slot: number, bytes: number): number {
  const { view } = frame;
  const vtable = table - view.getInt32(table, true);
  const entry = 4 + 2 * slot;
  if (entry + 2 > view.getUint16(vtable, true)) return 0;
  const offset = view.getUint16(vtable + entry, true);
  if (offset === 0) return 0;
  if (offset + bytes > view.getUint16(vtable + 2, true)) {
    throw broken("field lies outside of its table");
  }
  return table + offset;
}

/** A u8 field, 0 when absent. */
export function readU8(frame: Frame, table: number, slot: number): number {
  const at = fieldAt(frame, table, slot, 1);
  return at === 0 ? 0 : frame.view.getUint8(at);
}

/** A u16 field, 0 when absent. */
export function readU16(frame: Frame, table: number, slot: number): number {
  const at = fieldAt(frame, table, slot, 2);
  return at === 0 ? 0 : frame.view.getUint16(at, true);
}

/** A u32 field, 0 when absent. */
export function readU32(frame: Frame, table: number, slot: number): number {
  const at = fieldAt(frame, table, slot, 4);
  return at === 0 ? 0 : frame.view.getUint32(at, true);
}

/**
 * Where the table lies that a field refers to.
 *
 * @returns The table's position, or 0 when the field is absent.
 */
export function readTable(frame: Frame, table: number, slot: number): number {
  const at = fieldAt(frame, table, slot, 4);
  return at === 0 ? 0 : followTable(frame, at);
}

/**
 * Where a vector or a string lies that a field refers to.
 *
 * @param frame The frame.
 * @param table The table's position.
 * @param slot The field's number.
 * @param elementBytes Bytes of one element: 1 for strings and bytes, 4 for tables.
 * @returns The position of its length word, or 0 when it is absent. All elements lie inside.
 */
export function readVector(
  frame: Frame,
  table: number,
  slot: number,
  elementBytes: number,
): number {
  const at = fieldAt(frame, table, slot, 4);
  return at === 0 ? 0 : followVector(frame, at, elementBytes);
}

/**
 * Follows the offset of a vector or string and checks that its elements lie in the payload.
 *
 * @param frame The frame.
 * @param at Where the offset stands.
 * @param elementBytes Bytes of one element.
 * @returns The position of its length word.
 */
export function followVector(frame: Frame, at: number, elementBytes: number): number {
  const vector = at + frame.view.getUint32(at, true);
  if (vector > frame.end - 4) throw broken("vector lies outside of the payload");
  const count = frame.view.getUint32(vector, true);
  if (count * elementBytes > frame.end - vector - 4) throw broken("vector is cut off");
  return vector;
}

/**
 * The bytes of a string or byte vector, without a copy.
 *
 * @param frame The frame.
 * @param vector What {@linkcode readVector} gave; 0 gives `null`.
 * @returns A view of the bytes, valid as long as the frame is.
 */
export function bytesAt(frame: Frame, vector: number): Uint8Array | null {
  if (vector === 0) return null;
  frame.assertLive();
  const start = vector + 4;
  return frame.bytes.subarray(start, start + frame.view.getUint32(vector, true));
}

/** The error for a payload that is not the FlatBuffer it should be. */
export function broken(what: string): RpcError {
  return RpcError.badRequest(`Cannot read the message: ${what}`);
}
