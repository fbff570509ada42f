/**
 * A short conversation with a runner, as an APISIX worker would have it (protocol.md §2, §5, §6).
 *
 * @module
 */

import { decodePrepareConfResp } from "../../../protocol/decode_reply.ts";
import { encodeHTTPReqCallReq, encodePrepareConfReq } from "../../../protocol/encode_request.ts";
import { ErrorCode, messageOf } from "../../../protocol/errors.ts";
import { Exchange, RunnerError } from "../../apisix/exchange.ts";
import type { Finding } from "../finding.ts";

/** How long an answer may take, in milliseconds: as long as a worker waits for a token. */
const PATIENCE_MS = 5_000;

/** A PrepareConf that takes longer holds up all workers, in milliseconds. */
const SLOW_MS = 500;

/** How many calls are timed. */
const CALLS = 50;

const ABOUT = "runner";

/**
 * Talks to the runner on a socket.
 *
 * @param path The socket.
 * @param patienceMs How long an answer may take, in milliseconds.
 * @returns What came of it.
 */
export async function converse(
  path: string,
  patienceMs: number = PATIENCE_MS,
): Promise<Finding[]> {
  const open = new Set<Exchange>();
  const connect = async () => {
    const exchange = new Exchange(await Deno.connect({ transport: "unix", path }));
    open.add(exchange);
    return exchange;
  };
  const close = () => {
    for (const exchange of open) exchange.close();
    open.clear();
  };
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    close();
  }, patienceMs);
  try {
    return await talk(connect);
  } catch (error) {
    return [
      isLate
        ? problem(
          `accepts connections, and has not answered for ${patienceMs} ms`,
          "It hangs, or serves one connection at a time. End it: APISIX starts it again after 3 s.",
        )
        : problem(
          `does not speak the protocol: ${messageOf(error)}`,
          "See what listens there: it is not a plugin runner, or it is broken.",
        ),
    ];
  } finally {
    clearTimeout(timer);
    close();
  }
}

async function talk(connect: () => Promise<Exchange>): Promise<Finding[]> {
  // A worker connects for the call first, and for the token while that connection is silent.
  const first = await connect();
  const second = await connect();
  const before = performance.now();
  const frame = encodePrepareConfReq({ conf: null, key: "doctor" });
  const token = decodePrepareConfResp(await second.call(frame));
  const prepareMs = performance.now() - before;
  const callMs = await medianOfCalls(second, token);
  const wrong = await wrongToken(first, token);
  return [
    prepareMs > SLOW_MS
      ? {
        level: "warning",
        about: ABOUT,
        seen: `took ${shown(prepareMs)} for a token, for which all workers of APISIX wait`,
        todo: "See what keeps it busy: a plugin that blocks, or too little processor time.",
      }
      : {
        level: "ok",
        about: ABOUT,
        seen: `answers: a token in ${shown(prepareMs)}, a call in ${shown(callMs)}`,
      },
    ...wrong,
  ];
}

/** Calls without a plugin, which change nothing. */
async function medianOfCalls(exchange: Exchange, token: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < CALLS; i++) {
    const before = performance.now();
    await exchange.call(call(token));
    times.push(performance.now() - before);
  }
  return times.sort((a, b) => a - b)[CALLS >> 1] ?? 0;
}

/** After a reload APISIX calls with the tokens of the runner before (protocol.md §1.8). */
async function wrongToken(exchange: Exchange, token: number): Promise<Finding[]> {
  const todo = "Use a runner with random tokens: this one mixes up routes after a reload.";
  try {
    await exchange.call(call((token ^ 0x5a5a5a5a) >>> 0));
    return [{ level: "warning", about: ABOUT, seen: "takes a token that it never gave", todo }];
  } catch (error) {
    if (!(error instanceof RunnerError)) throw error;
    if (error.code === ErrorCode.CONF_TOKEN_NOT_FOUND) return [];
    const seen =
      `answers an unknown token with the code ${error.code}, not with CONF_TOKEN_NOT_FOUND`;
    return [{
      level: "problem",
      about: ABOUT,
      seen,
      todo: "Use another runner: with this one every reload means 503 for an hour.",
    }];
  }
}

function call(confToken: number): Uint8Array {
  return encodeHTTPReqCallReq({
    id: 0,
    srcIp: new Uint8Array([127, 0, 0, 1]),
    method: 0,
    path: "/",
    args: [],
    headers: [],
    confToken,
  });
}

function shown(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

function problem(seen: string, todo: string): Finding {
  return { level: "problem", about: ABOUT, seen, todo };
}
