/**
 * The messages of the protocol as plain data, in both directions (protocol.md §4).
 *
 * Texts are bytes on the wire (§4.1): encoders take a string, which they write as UTF-8, or the
 * bytes themselves; decoders give bytes. `null` is "absent", which is not the same as empty.
 *
 * @module
 */

/** A text on its way to the wire: a string (sent as UTF-8), or the bytes as they are. */
export type Text = string | Uint8Array;

/** A text that lies in a buffer: to make an array of its own of it costs more than to copy it. */
export interface TextSlice {
  /** The buffer. */
  readonly bytes: Uint8Array;
  /** Where the text begins. */
  readonly at: number;
  /** How many bytes it has. */
  readonly length: number;
}

/** A text that the runner sends: its own, or one that is still where it was received. */
export type SendableText = Text | TextSlice;

/** An `A6.TextEntry` that the runner sends; see {@linkcode TextEntry}. */
export interface SendableEntry {
  /** The name. */
  readonly name: SendableText;
  /** The value; `null` when absent. */
  readonly value: SendableText | null;
}

/** `A6.TextEntry`: a header, an argument or a plugin's configuration. */
export interface TextEntry {
  /** The name; APISIX fails on an entry without one. */
  readonly name: Text;
  /** The value; `null` when absent: an argument without `=`, or "delete this" in a Rewrite. */
  readonly value: Text | null;
}

/**
 * `A6.Method`: the names, each at its number (protocol.md §4).
 *
 * @example
 * ```ts
 * import { METHODS } from "./messages.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(METHODS[3], "PUT");
 * ```
 */
export const METHODS: readonly string[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "MKCOL",
  "COPY",
  "MOVE",
  "OPTIONS",
  "PROPFIND",
  "PROPPATCH",
  "LOCK",
  "UNLOCK",
  "PATCH",
  "TRACE",
];

/** `A6.PrepareConf.Req`, §6.1. */
export interface PrepareConfReq {
  /** The plugins' names and configurations in the order of execution. */
  readonly conf: readonly TextEntry[] | null;
  /** The idempotency key; absent before APISIX 2.9. */
  readonly key: Text | null;
}

/** `A6.HTTPReqCall.Req`, §7.1. */
export interface HTTPReqCallReq {
  /** A debug number, u32. */
  readonly id: number;
  /** 4 or 16 bytes in network order, or the 5 bytes `unix:`. */
  readonly srcIp: Uint8Array | null;
  /** An index into {@linkcode METHODS}. */
  readonly method: number;
  /** The path without the query. */
  readonly path: Text | null;
  /** The decoded query arguments. */
  readonly args: readonly TextEntry[] | null;
  /** The request headers, names in lower case. */
  readonly headers: readonly TextEntry[] | null;
  /** The token that PrepareConf gave, u32. */
  readonly confToken: number;
}

/** `A6.HTTPRespCall.Req`, §10.3. */
export interface HTTPRespCallReq {
  /** A debug number, u32. */
  readonly id: number;
  /** The upstream's status, u16. */
  readonly status: number;
  /** The upstream's headers, names as it sent them. */
  readonly headers: readonly TextEntry[] | null;
  /** The token that PrepareConf gave, u32. */
  readonly confToken: number;
}

/** `A6.HTTPReqCall.Stop`, §8.1: the client gets this answer. */
export interface Stop {
  readonly type: "stop";
  /** 200 to 999; 0 is "absent", which APISIX takes for 200 since 2.9. */
  readonly status: number;
  /** Response headers; a repeated name is added. */
  readonly headers: readonly TextEntry[];
  /** The body; an empty one is the same as none. */
  readonly body: Uint8Array | null;
}

/** `A6.HTTPReqCall.Rewrite`, §8.2: the request goes on, changed. Empty lists change nothing. */
export interface Rewrite {
  readonly type: "rewrite";
  /** The new path, percent-decoded; starts with `/`. */
  readonly path: Text | null;
  /** Request headers to set, or to delete where the value is `null`. */
  readonly headers: readonly TextEntry[];
  /** Arguments to set, or to delete where the value is `null`. */
  readonly args: readonly TextEntry[];
  /** Headers for the client's response. */
  readonly respHeaders: readonly TextEntry[];
  /** The new request body; an empty one is ignored. */
  readonly body: Uint8Array | null;
}

/** `A6.HTTPReqCall.Resp`, §8. */
export interface HTTPReqCallResp {
  /** The id of the request. */
  readonly id: number;
  /** `null`: the request goes on unchanged. */
  readonly action: Stop | Rewrite | null;
}

/** `A6.HTTPRespCall.Resp`, §10.4. */
export interface HTTPRespCallResp<Entry extends SendableEntry = TextEntry> {
  /** The id of the request. */
  readonly id: number;
  /** The new status; 0 keeps the upstream's. */
  readonly status: number;
  /** The complete new header set; empty keeps the upstream's, less ten of them. */
  readonly headers: readonly Entry[];
  /** The new body; an empty one is the same as none. */
  readonly body: Uint8Array | null;
}

/** `A6.ExtraInfo.Req`, §9: a question of the runner. */
export type ExtraInfoReq =
  | { readonly type: "var"; readonly name: Text }
  | { readonly type: "reqBody" }
  | { readonly type: "respBody" };

/** The same on its way out. */
export type SendableResponse = HTTPRespCallResp<SendableEntry>;
