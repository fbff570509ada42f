/**
 * Makes calls, and sees what they come to.
 *
 * @module
 */

import type { Phase } from "../../apisix/client.ts";
import { RunnerError } from "../../apisix/exchange.ts";
import type { CallInput } from "./call_input.ts";
import { type CallGroup, type CallOutcome, type CallResult, kindOf } from "./call_outcome.ts";
import type { Target } from "./call_target.ts";

/**
 * Calls as often as is asked for, one call after the other, on one connection.
 *
 * @param input What is called.
 * @param phase The phase.
 * @param target Who is called.
 * @returns What came of it.
 * @throws {StartError} When there is nobody to be called.
 */
export async function runCalls(
  input: CallInput,
  phase: Phase,
  target: Target,
): Promise<CallResult> {
  const groups = new Map<string, { count: number } & CallGroup>();
  const times: number[] = [];
  for (let i = 0; i < input.count; i++) {
    const outcome = await oneCall(input, phase, target, times);
    const kind = kindOf(outcome);
    const group = groups.get(kind);
    if (group === undefined) groups.set(kind, { count: 1, outcome, logs: target.logs });
    else group.count++;
  }
  const { request, upstream, count: calls } = input;
  const plugins = input.plugins.map(({ name }) => name);
  return { phase, plugins, request, upstream, groups: [...groups.values()], calls, times };
}

async function oneCall(
  { plugins, request, upstream, variables }: CallInput,
  phase: Phase,
  target: Target,
  times: number[],
): Promise<CallOutcome> {
  const { apisix } = target;
  const route = { plugins, variables: { request_id: requestId(), ...variables } };
  try {
    return await target.run(async () => {
      await apisix.prepare(route, phase);
      const before = performance.now();
      try {
        if (phase !== "post-resp") {
          const result = await apisix.request(route, request, phase);
          return result.type === "stopped" ? { ...result, answeredBy: target.answeredBy } : result;
        }
        const response = await apisix.response(route, request, upstream);
        return { type: "responded", response, answeredBy: target.answeredBy };
      } finally {
        times.push(performance.now() - before);
      }
    });
  } catch (error) {
    if (error instanceof RunnerError) return target.failure(error);
    throw error;
  }
}

/** As nginx makes it: 16 random bytes, in hexadecimal digits. */
function requestId(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
