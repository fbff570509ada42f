/**
 * What a call costs without its socket: dispatcher, chain, codec.
 *
 * @module
 */

import { bundledPlugins } from "../mod.ts";
import { Registry } from "../plugins/registry.ts";
import { ReplyEncoder } from "../protocol/encode_reply.ts";
import {
  encodeExtraInfoResp,
  encodeHTTPReqCallReq,
  encodeHTTPRespCallReq,
  encodePrepareConfReq,
} from "../protocol/encode_request.ts";
import { Frame, HEADER_BYTES, RpcType } from "../protocol/frame.ts";
import { ConfCache } from "../runner/conf_cache.ts";
import { Deadlines } from "../runner/deadlines.ts";
import { Dispatcher, type Peer } from "../runner/dispatcher.ts";
import { Logger } from "../runner/logger.ts";
import type { Preparation } from "../runner/preparation.ts";
import { encodeReply } from "../runner/reply.ts";
import { request, response } from "./request.ts";
import { scenarioPlugins } from "./runner/plugins.ts";
import { SCENARIOS } from "./scenarios.ts";

const deadlines = new Deadlines(55_000);
const dispatcher = new Dispatcher({
  registry: new Registry([...bundledPlugins, ...scenarioPlugins]),
  cache: new ConfCache<Preparation>({ expireSeconds: 3600 }),
  deadlines,
  log: Logger.create({ level: "error", format: "text", write: () => {} }),
  probeHead: true,
});
const encoder = new ReplyEncoder();

for (const { name, plugin, conf, isResponse, answer } of SCENARIOS) {
  const answerBytes = encodeExtraInfoResp(new TextEncoder().encode(answer ?? ""));
  const answerFrame = Frame.of(RpcType.EXTRA_INFO, answerBytes.subarray(HEADER_BYTES));
  const peer: Peer = { ask: (_, read) => Promise.resolve(read(answerFrame)), pending: () => {} };
  const dispatch = (frame: Uint8Array) => {
    const message = Frame.of(frame[0] ?? 0, frame.subarray(HEADER_BYTES));
    return dispatcher.dispatch(message, peer);
  };
  const prepared = await dispatch(
    encodePrepareConfReq({ conf: [{ name: plugin, value: conf }], key: plugin }),
  );
  if (prepared.type !== "prepareConf") throw new Error(`Cannot prepare ${name}`);
  const call = isResponse === true
    ? encodeHTTPRespCallReq(response(prepared.token))
    : encodeHTTPReqCallReq(request(prepared.token));
  // The chain is made behind the answer to PrepareConf.
  await dispatch(call);
  if (answer === undefined) {
    Deno.bench(`a call: ${name}`, { group: "call" }, () => {
      const reply = dispatch(call);
      if (reply instanceof Promise) throw new Error(`${name} waits`);
      encodeReply(encoder, reply);
    });
  } else {
    Deno.bench(`a call: ${name}`, { group: "call" }, async () => {
      encodeReply(encoder, await dispatch(call));
    });
  }
}
