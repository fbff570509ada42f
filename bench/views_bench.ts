/**
 * What plugins do with a request, and what the cache of configurations does, each alone.
 *
 * @module
 */

import { HeaderEdits, RequestHeaderEdits } from "../plugins/headers.ts";
import { QueryEdits } from "../plugins/query.ts";
import { HTTPReqCallMessage, HTTPRespCallMessage } from "../protocol/decode_request.ts";
import { encodeHTTPReqCallReq, encodeHTTPRespCallReq } from "../protocol/encode_request.ts";
import { Frame, HEADER_BYTES, RpcType } from "../protocol/frame.ts";
import { ConfCache } from "../runner/conf_cache.ts";
import { request, response } from "./request.ts";

const call = encodeHTTPReqCallReq(request(1)).subarray(HEADER_BYTES);
const message = new HTTPReqCallMessage(Frame.of(RpcType.HTTP_REQ_CALL, call));
const answer = encodeHTTPRespCallReq(response(1)).subarray(HEADER_BYTES);
const upstream = new HTTPRespCallMessage(Frame.of(RpcType.HTTP_RESP_CALL, answer));

Deno.bench("headers: get one of ten", { group: "headers" }, () => {
  new RequestHeaderEdits(message.headers, message.frame).get("cookie");
});

Deno.bench("headers: set one and list the change", { group: "headers" }, () => {
  const headers = new RequestHeaderEdits(message.headers, message.frame);
  headers.set("x-user", "jack");
  headers.changes();
});

Deno.bench("headers: iterate over ten", { group: "headers" }, () => {
  for (const _ of new RequestHeaderEdits(message.headers, message.frame));
});

Deno.bench("headers: delete one of eight and list the rest", { group: "headers" }, () => {
  const headers = new HeaderEdits(upstream.headers, upstream.frame);
  headers.delete("x-powered-by");
  headers.list(true);
});

Deno.bench("query: get one of two", { group: "query" }, () => {
  new QueryEdits(message.args, message.frame).get("page");
});

Deno.bench("query: set one and list the changes", { group: "query" }, () => {
  const query = new QueryEdits(message.args, message.frame);
  query.set("page", "4");
  query.changes();
});

const cache = new ConfCache<number>({ expireSeconds: 3600 });
const tokens = Array.from({ length: 10_000 }, (_, i) => cache.prepare(`${i}`, () => i).token);
let next = 0;

Deno.bench("cache: find one of 10 000", { group: "cache" }, () => {
  cache.get(tokens[next++ % tokens.length] ?? 0);
});
