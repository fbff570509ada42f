/**
 * What calls came to, for machines.
 *
 * @module
 */

import type { HttpRequest, HttpResponse } from "../../apisix/http.ts";
import { textOf } from "./call_lines.ts";
import type { CallOutcome, CallResult } from "./call_outcome.ts";
import { ownFrames } from "./call_stack.ts";
import { timesOf } from "./call_times.ts";

/**
 * Writes the whole of a result.
 *
 * @param result What was called, and what came of it.
 * @returns JSON, with a newline at the end.
 */
export function callJson(result: CallResult): string {
  const { phase, plugins, request, upstream, groups, calls, times } = result;
  const { min, median, p99 } = timesOf(times);
  const report = {
    phase,
    plugins,
    request: requestJson(request),
    ...phase === "post-resp" ? { upstreamResponse: responseJson(upstream) } : {},
    outcomes: groups.map(({ count, outcome, logs }) => ({
      count,
      ...outcomeJson(outcome),
      logs,
    })),
    calls,
    ms: { min: rounded(min), median: rounded(median), p99: rounded(p99) },
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function outcomeJson(outcome: CallOutcome): Readonly<Record<string, unknown>> {
  switch (outcome.type) {
    case "stopped":
    case "responded": {
      const { type, answeredBy, response } = outcome;
      return { type, answeredBy, clientResponse: responseJson(response) };
    }
    case "passed":
      return {
        type: outcome.type,
        upstreamRequest: requestJson(outcome.request),
        responseHeaders: outcome.responseHeaders,
      };
    case "failed":
      return { type: outcome.type, error: outcome.message, stack: ownFrames(outcome.stack ?? "") };
  }
}

function requestJson({ method, target, headers, body, clientIp }: HttpRequest): unknown {
  return { method, target, headers, ...bodyJson(body), clientIp };
}

function responseJson({ status, headers, body }: HttpResponse): unknown {
  return { status, headers, ...bodyJson(body) };
}

/** Text where it is text. */
function bodyJson(body: Uint8Array): Readonly<Record<string, string>> {
  const text = textOf(body);
  return text === null ? { bodyBase64: body.toBase64() } : { body: text };
}

/** To a microsecond: a clock shows no more. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
