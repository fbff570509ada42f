/**
 * Running the plugins of a route, one after the other.
 *
 * @module
 */

import type { HTTPReqCallMessage, HTTPRespCallMessage } from "../protocol/decode_request.ts";
import type { HTTPReqCallResp, SendableResponse, Stop } from "../protocol/messages.ts";
import { messageOf, stackOf } from "../protocol/errors.ts";
import type { Call, CallHost } from "./call.ts";
import type { HookResult, Step } from "./plugin.ts";
import { RequestCall } from "./request_call.ts";
import { ResponseCall } from "./response_call.ts";
import { discardBody } from "./response_body.ts";
import { stopFromResponse, StopReply } from "./stop.ts";

/** A hook that failed, with the plugin and the phase to blame. */
export class PluginError extends Error {
  override readonly name = "PluginError";

  /**
   * @param plugin The plugin's name.
   * @param phase The hook.
   * @param cause What it threw.
   */
  constructor(readonly plugin: string, readonly phase: "onRequest" | "onResponse", cause: unknown) {
    super(`${phase} of the plugin "${plugin}" failed: ${messageOf(cause)}`, { cause });
  }
}

/**
 * The plugins of one prepared configuration, in order.
 *
 * As long as no hook returns a promise, neither does the chain: a promise costs more than most
 * hooks do.
 */
export class Chain {
  readonly #onRequest: Runner<RequestCall, HTTPReqCallResp>;
  readonly #onResponse: Runner<ResponseCall, SendableResponse>;

  /** @param steps The plugins, each bound to its configuration. */
  constructor(steps: readonly Step[]) {
    this.#onRequest = new Runner("onRequest", hooks(steps, (step) => step.onRequest), requestReply);
    this.#onResponse = new Runner(
      "onResponse",
      hooks(steps, (step) => step.onResponse),
      responseReply,
    );
  }

  /**
   * Runs the request phase.
   *
   * @param message What APISIX sent.
   * @param host What the runner lends for this call.
   * @returns What APISIX is to do.
   * @throws {PluginError} When a hook fails.
   */
  request(
    message: HTTPReqCallMessage,
    host: CallHost,
  ): HTTPReqCallResp | Promise<HTTPReqCallResp> {
    if (this.#onRequest.isEmpty) return { id: message.id, action: null };
    const call = new RequestCall(message, host);
    return call.needsResolving ? this.#requestResolved(call) : this.#onRequest.run(call);
  }

  /**
   * Runs the response phase.
   *
   * @param message What APISIX sent.
   * @param host What the runner lends for this call.
   * @returns What APISIX is to send to the client.
   * @throws {PluginError} When a hook fails.
   */
  response(
    message: HTTPRespCallMessage,
    host: CallHost,
  ): SendableResponse | Promise<SendableResponse> {
    return this.#onResponse.run(new ResponseCall(message, host));
  }

  async #requestResolved(call: RequestCall): Promise<HTTPReqCallResp> {
    await call.resolvePath();
    // Nobody waits for a call that was given up meanwhile: its plugins must not run.
    if (call.host.ended) throw new Error("The call has ended");
    return await this.#onRequest.run(call);
  }
}

/** One hook of a step. */
interface Hook<Work> {
  readonly plugin: string;
  readonly onError: "fail" | "continue";
  run(call: Work): HookResult | Promise<HookResult>;
}

/** A call that hooks can have in hand. */
interface Handed<Work> extends Call {
  /** What the hooks behind one that was too late have in hand. */
  readonly successor: Work | null;
}

/** The hooks of one phase. */
class Runner<Work extends Handed<Work>, Reply> {
  readonly #phase: "onRequest" | "onResponse";
  readonly #hooks: readonly Hook<Work>[];
  readonly #reply: (call: Work, stop: StopReply | null) => Reply | Promise<Reply>;

  constructor(
    phase: "onRequest" | "onResponse",
    hooks: readonly Hook<Work>[],
    reply: (call: Work, stop: StopReply | null) => Reply | Promise<Reply>,
  ) {
    this.#phase = phase;
    this.#hooks = hooks;
    this.#reply = reply;
  }

  get isEmpty(): boolean {
    return this.#hooks.length === 0;
  }

  /** Runs the hooks until one answers, and makes the reply of what came of them. */
  run(call: Work, from = 0): Reply | Promise<Reply> {
    for (let i = from; i < this.#hooks.length; i++) {
      const hook = this.#hooks[i];
      if (hook === undefined) break;
      try {
        const result: unknown = hook.run(call);
        if (result === undefined) continue;
        if (result instanceof StopReply) return this.#reply(call, result);
        return this.#settle(call, i, hook, result);
      } catch (thrown) {
        this.#failed(call, hook, thrown);
      }
    }
    return this.#reply(call, null);
  }

  /** Goes on once the hook's promise has settled, or a `Response` has given its body. */
  async #settle(
    call: Work,
    at: number,
    hook: Hook<Work>,
    result: unknown,
  ): Promise<Reply> {
    let stop: StopReply | null = null;
    const time = call.step?.time ?? null;
    call.host.waitFor(hook.plugin, this.#phase);
    try {
      const settled = time === null ? await result : await time.limit(result);
      // Too late to change anything: the plugins behind must not run for a call that is over.
      if (call.host.ended) {
        discardBody(settled);
        throw new Error("its call has ended");
      }
      if (settled instanceof StopReply) stop = settled;
      else if (settled instanceof Response) {
        stop = await stopFromResponse(settled, time ?? call.host);
      } else if (settled !== undefined) {
        throw new TypeError(`it returned ${kindOf(settled)}; ${EXPECTED}`);
      }
    } catch (thrown) {
      this.#failed(call, hook, thrown);
    } finally {
      time?.end();
    }
    const next = call.successor ?? call;
    return stop === null ? this.run(next, at + 1) : this.#reply(next, stop);
  }

  /**
   * Fails closed, unless the plugin declared that the others shall go on; but for a call that is
   * over they must not.
   */
  #failed(call: Work, hook: Hook<Work>, thrown: unknown): void {
    const error = new PluginError(hook.plugin, this.#phase, thrown);
    if (hook.onError !== "continue" || call.host.ended) throw error;
    call.host.log(hook.plugin).error(`${error.message}; going on, as its onError says`, {
      stack: stackOf(thrown),
    });
  }
}

const EXPECTED = "a hook returns a Response, stop(…) or nothing";

function hooks<Work>(
  steps: readonly Step[],
  pick: (step: Step) => Hook<Work>["run"] | null,
): Hook<Work>[] {
  return steps.flatMap((step) => {
    const run = pick(step);
    return run === null ? [] : [{ plugin: step.plugin, onError: step.onError, run }];
  });
}

function requestReply(
  call: RequestCall,
  stop: StopReply | null,
): HTTPReqCallResp | Promise<HTTPReqCallResp> {
  if (stop !== null) return { id: call.id, action: stopAction(call, stop) };
  const outcome = call.outcome();
  return outcome instanceof Promise
    ? outcome.then((action) => ({ id: call.id, action }))
    : { id: call.id, action: outcome };
}

function responseReply(
  call: ResponseCall,
  stop: StopReply | null,
): SendableResponse | Promise<SendableResponse> {
  return stop === null ? call.outcome() : call.replaced(stop);
}

/** The answer, with what earlier plugins added to the response; its own headers win. */
function stopAction(call: RequestCall, stop: StopReply): Stop {
  const added = call.addedResponseHeaders;
  if (added.length === 0) return stop;
  const kept = added.filter(({ name }) =>
    name === "set-cookie" || !stop.headers.some((own) => own.name === name)
  );
  const { type, status, headers, body } = stop;
  return { type, status, headers: [...kept, ...headers], body };
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "object") return Array.isArray(value) ? "an array" : "an object";
  return `a ${typeof value}`;
}
