/**
 * The frames of questions, made once for all connections.
 *
 * @module
 */

import { ReplyEncoder } from "./encode_reply.ts";
import type { ExtraInfoReq } from "./messages.ts";

/** Names of variables come from plugins, which ask for few: this is against those that make up. */
const MAX_NAMES = 256;

const encoder = new ReplyEncoder();
const bodies = { reqBody: frame({ type: "reqBody" }), respBody: frame({ type: "respBody" }) };
const variables = new Map<string, Uint8Array>();

/**
 * The frame of a question (protocol.md §9). Plugins ask for the same few variables again and again,
 * so their frames are kept.
 *
 * @param question What is asked for.
 * @returns The frame: to be written, never to be changed.
 *
 * @example
 * ```ts
 * import { questionFrame } from "./question_frames.ts";
 * import assert from "node:assert/strict";
 *
 * const frame = questionFrame({ type: "var", name: "remote_addr" });
 * assert.equal(questionFrame({ type: "var", name: "remote_addr" }), frame);
 * ```
 */
export function questionFrame(question: ExtraInfoReq): Uint8Array {
  if (question.type !== "var") return bodies[question.type];
  if (typeof question.name !== "string") return frame(question);
  const known = variables.get(question.name);
  if (known !== undefined) return known;
  const made = frame(question);
  if (variables.size < MAX_NAMES) variables.set(question.name, made);
  return made;
}

/** A copy: what the encoder gives is valid until its next frame only. */
function frame(question: ExtraInfoReq): Uint8Array {
  return new Uint8Array(encoder.extraInfo(question));
}
