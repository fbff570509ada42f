/**
 * What is asked of the servers.
 *
 * @module
 */

import { Exchange } from "../runner/apisix/exchange.ts";
import { decodePrepareConfResp } from "../protocol/decode_reply.ts";
import {
  encodeExtraInfoResp,
  encodeHTTPReqCallReq,
  encodeHTTPRespCallReq,
  encodePrepareConfReq,
} from "../protocol/encode_request.ts";
import type { TextEntry } from "../protocol/messages.ts";
import { request, response } from "./request.ts";

/** One kind of call. */
export interface Scenario {
  /** Its name in the report. */
  readonly name: string;
  /** The plugin that does the work, and its configuration. */
  readonly plugin: string;
  /** The plugin's configuration. */
  readonly conf: string;
  /** Whether it is a call of the response phase. */
  readonly isResponse?: boolean;
  /** What the runner is answered when it asks. */
  readonly answer?: string;
  /** Whether the Go runner has the plugin too. */
  readonly inGo?: boolean;
}

/** All scenarios; the first is what the others are compared with. */
export const SCENARIOS: readonly Scenario[] = [
  { name: "no action", plugin: "nothing", conf: "{}", inGo: true },
  { name: "say", plugin: "say", conf: '{"body":"hello"}', inGo: true },
  {
    name: "fault-injection",
    plugin: "fault-injection",
    conf: '{"http_status":403,"body":"no"}',
    inGo: true,
  },
  { name: "two headers read, one set", plugin: "headers", conf: "{}" },
  { name: "a variable asked", plugin: "variable", conf: "{}", answer: "203.0.113.7" },
  { name: "the body asked", plugin: "body", conf: "{}", answer: "x".repeat(512) },
  { name: "response phase", plugin: "response", conf: "{}", isResponse: true, answer: "GET" },
];

/**
 * Prepares a scenario at a server.
 *
 * @param scenario The scenario.
 * @param socket The server's socket; `null` for one that does not speak the protocol.
 * @param key The key to prepare it under.
 * @returns The frame of a call, and that of the answer to its questions.
 */
export async function prepare(
  scenario: Scenario,
  socket: string | null,
  key = `route#${scenario.plugin}#bench#1`,
): Promise<{ call: Uint8Array; answer: Uint8Array | null }> {
  const entries = [{ name: scenario.plugin, value: scenario.conf }];
  const token = socket === null ? 1 : await prepareConf(entries, socket, key);
  return {
    call: scenario.isResponse === true
      ? encodeHTTPRespCallReq(response(token))
      : encodeHTTPReqCallReq(request(token)),
    answer: scenario.answer === undefined
      ? null
      : encodeExtraInfoResp(new TextEncoder().encode(scenario.answer)),
  };
}

/**
 * Prepares a configuration.
 *
 * @param conf Its plugins.
 * @param path The server's socket.
 * @param key APISIX's key for it.
 * @returns The token.
 */
export async function prepareConf(
  conf: readonly TextEntry[],
  path: string,
  key: string,
): Promise<number> {
  const exchange = new Exchange(await Deno.connect({ transport: "unix", path }));
  try {
    return decodePrepareConfResp(await exchange.call(encodePrepareConfReq({ conf, key })));
  } finally {
    exchange.close();
  }
}
