/**
 * What the codec costs per call: a realistic request in, the usual replies out.
 *
 * @module
 */

import { HTTPReqCallMessage } from "../protocol/decode_request.ts";
import { ReplyEncoder } from "../protocol/encode_reply.ts";
import { encodeHTTPReqCallReq } from "../protocol/encode_request.ts";
import { type Frame, FrameDecoder } from "../protocol/frame.ts";
import type { Rewrite, Stop, TextEntry } from "../protocol/messages.ts";
import { request } from "./request.ts";

const REQUEST = encodeHTTPReqCallReq(request(3_735_928_559));

const STOP: Stop = {
  type: "stop",
  status: 403,
  headers: [{ name: "content-type", value: "application/json" }],
  body: new TextEncoder().encode('{"error":"forbidden"}'),
};

const REWRITE: Rewrite = {
  type: "rewrite",
  path: null,
  headers: [{ name: "x-user", value: "jack" }, { name: "authorization", value: null }],
  args: [],
  respHeaders: [],
  body: null,
};

const RESPONSE_HEADERS: TextEntry[] = Array.from({ length: 12 }, (_, i) => {
  return { name: `x-header-${i}`, value: "max-age=31536000; includeSubDomains" };
});

const decoder = new FrameDecoder();
const encoder = new ReplyEncoder();

function receive(): Frame {
  decoder.push(REQUEST);
  const frame = decoder.next();
  if (frame === null) throw new Error("No frame came");
  return frame;
}

const message = new HTTPReqCallMessage(receive());

/** The value of a header as text. */
function header({ headers }: HTTPReqCallMessage, name: string): string | null {
  const index = headers?.indexOf(name, true) ?? -1;
  return index < 0 ? null : headers?.value(index) ?? null;
}

Deno.bench(`receive a frame of ${REQUEST.length} bytes`, { group: "in" }, () => {
  receive();
});

Deno.bench("receive it and check all of it", { group: "in", baseline: true }, () => {
  new HTTPReqCallMessage(receive());
});

Deno.bench("read the path and two headers of ten", { group: "in" }, () => {
  message.path;
  header(message, "host");
  header(message, "authorization");
});

Deno.bench("read everything as text", { group: "in" }, () => {
  message.path;
  for (const list of [message.args, message.headers]) {
    for (let i = 0; list !== null && i < list.length; i++) {
      list.name(i);
      list.value(i);
    }
  }
});

Deno.bench("reply with no action", { group: "out", baseline: true }, () => {
  encoder.httpReqCall({ id: message.id, action: null });
});

Deno.bench("reply with a stop", { group: "out" }, () => {
  encoder.httpReqCall({ id: message.id, action: STOP });
});

Deno.bench("reply with a rewrite", { group: "out" }, () => {
  encoder.httpReqCall({ id: message.id, action: REWRITE });
});

Deno.bench("reply with twelve response headers", { group: "out" }, () => {
  encoder.httpRespCall({ id: message.id, status: 0, headers: RESPONSE_HEADERS, body: null });
});
