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

/** About 1.1 kB: what a browser sends through APISIX. */
const REQUEST = encodeHTTPReqCallReq({
  id: 4_194_305,
  srcIp: Uint8Array.of(203, 0, 113, 7),
  method: 0,
  path: "/api/v1/articles/2024/search",
  args: [{ name: "q", value: "flat buffers" }, { name: "page", value: "3" }],
  headers: Object.entries({
    host: "shop.example.com",
    "user-agent":
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0",
    accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
    "accept-language": "en-GB,en;q=0.9,de;q=0.8",
    "accept-encoding": "gzip, deflate, br, zstd",
    referer: "https://shop.example.com/api/v1/articles/2024",
    cookie: "session=9f86d081884c7d659a2feaa0c55ad015; theme=dark; consent=yes",
    authorization: "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYWNrIn0.c2lnbmF0dXJl",
    "x-request-id": "5b1f7f0c-2a5e-4d2b-9a57-1c8a4e0d6f11",
    "x-forwarded-for": "203.0.113.7",
  }).map(([name, value]) => ({ name, value })),
  confToken: 3_735_928_559,
});

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
  for (let i = 0; headers !== null && i < headers.length; i++) {
    if (headers.nameIs(i, name, true)) return headers.value(i);
  }
  return null;
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
