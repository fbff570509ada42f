/**
 * What `testPlugin` gives.
 *
 * @module
 */

import type { Plugin } from "../../plugins/plugin.ts";
import { ApisixClient, type RoutePlugin } from "./client.ts";
import { RunnerError } from "./exchange.ts";
import type { LogLine } from "./log_book.ts";
import { MemoryRunner } from "./memory_runner.ts";
import { RequestOutcome } from "./outcome.ts";
import { ClientResponse } from "./sent_message.ts";
import {
  requestFrom,
  type RequestInput,
  responseFrom,
  type ResponseInput,
  type VariableInput,
} from "./test_input.ts";

/** What a test may say about the runner. */
export interface TesterOptions {
  /** How long a call may take, in milliseconds; 55 000 when absent, as in production. */
  readonly callTimeoutMs?: number;
}

/** A plugin of a chain with its configuration. */
export interface ConfiguredPlugin {
  /** The plugin. */
  readonly plugin: Plugin;
  /** Its configuration, as the route has it: a value that JSON can hold. */
  readonly config?: unknown;
}

/**
 * A call failed, for which APISIX sends 503: a hook threw or took too long, or a configuration was
 * refused. The message is what the runner logs; the cause is the plugin's own error, where there
 * is one.
 */
export class CallError extends Error {
  /** `"CallError"`. */
  override readonly name = "CallError";
}

/** Plays APISIX against plugins; made by `testPlugin`. */
export class PluginTester implements AsyncDisposable {
  readonly #runner: MemoryRunner;
  readonly #apisix: ApisixClient;
  readonly #plugins: readonly RoutePlugin[];
  #requests = 0;

  /** @internal */
  constructor(chain: readonly ConfiguredPlugin[], { callTimeoutMs }: TesterOptions) {
    this.#plugins = chain.map(({ plugin, config }) => ({
      name: plugin.name,
      value: configText(plugin.name, config),
    }));
    this.#runner = new MemoryRunner({
      plugins: new Set(chain.map(({ plugin }) => plugin)),
      ...callTimeoutMs === undefined ? {} : { callTimeoutMs },
    });
    this.#apisix = new ApisixClient(() => this.#runner.connect());
  }

  /** What the plugins have logged so far, on all levels, and what the runner warned of. */
  get logs(): readonly LogLine[] {
    return this.#runner.logBook.lines;
  }

  /**
   * Runs the request phase: ext-plugin-pre-req or ext-plugin-post-req.
   *
   * @param path Path and query, `"/users?id=7"`; or a whole URL, which gives the `host` header too.
   * @param input The rest of the request.
   * @returns What became of it: `status`, `headers` and body of an answer, or the `upstream`
   * request.
   * @throws {CallError} When the call fails: a hook throws, a configuration is refused.
   * @throws {TypeError} When APISIX could not send such a request to a runner.
   */
  async request(path: string | URL, input: RequestInput = {}): Promise<RequestOutcome> {
    const request = requestFrom(path, input);
    const variables = { request_id: this.#requestId(), ...input.vars };
    const result = await this.#call(() =>
      this.#apisix.request({ plugins: this.#plugins, variables }, request)
    );
    return new RequestOutcome(result, variables);
  }

  /**
   * Runs the response phase: ext-plugin-post-resp.
   *
   * @param input What the upstream answers, and to which request.
   * @returns What the client gets.
   * @throws {CallError} When the call fails: a hook throws, a configuration is refused.
   * @throws {TypeError} When no upstream could send such a response.
   * @throws {RangeError} When the status is not within 200 to 999.
   *
   * @example Both phases of one request
   * ```ts
   * import { definePlugin } from "../../mod.ts";
   * import { testPlugin } from "./testing.ts";
   * import assert from "node:assert/strict";
   *
   * const plugin = definePlugin({
   *   name: "echo-path",
   *   async onRequest({ request, shared }) {
   *     (await shared()).set("path", request.path);
   *   },
   *   async onResponse({ response, shared }) {
   *     response.headers.set("x-path", String((await shared()).get("path")));
   *   },
   * });
   *
   * const tester = testPlugin(plugin);
   * const request = await tester.request("/hello");
   * const response = await tester.response({ status: 404, body: "not here", request });
   * assert.equal(response.status, 404);
   * assert.equal(response.headers.get("x-path"), "/hello");
   * assert.equal(response.text(), "not here");
   * ```
   */
  async response(input: ResponseInput = {}): Promise<ClientResponse> {
    const upstream = responseFrom(input);
    const { request: outcome, method = "GET" } = input;
    const passed = outcome?.passed;
    if (passed === null) {
      throw new TypeError(
        `Cannot respond to a request that a plugin answered with ${outcome?.status}: ` +
          "it never came to the upstream",
      );
    }
    const request = passed?.request ?? requestFrom("/", { method });
    const variables = {
      ...passed?.variables ?? { request_id: this.#requestId() },
      ...input.vars,
    };
    return new ClientResponse(
      await this.#call(() =>
        this.#apisix.response({ plugins: this.#plugins, variables }, request, upstream)
      ),
    );
  }

  /** Stops the plugins. A tester can be used again afterwards: they start anew. */
  async close(): Promise<void> {
    this.#apisix.close();
    await this.#runner.close();
  }

  /** The same as `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #call<Result>(call: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#runner.run(call);
    } catch (error) {
      if (!(error instanceof RunnerError) || error.callId === null) throw error;
      const failure = this.#runner.logBook.failureOf(error.callId);
      throw new CallError(failure?.message ?? error.message, { cause: failure?.cause ?? error });
    }
  }

  /** Each request has its own, as in nginx: 32 hexadecimal digits. */
  #requestId(): VariableInput[string] {
    return (++this.#requests).toString(16).padStart(32, "0");
  }
}

function configText(name: string, config: unknown): string {
  if (config === undefined) return "";
  const text: string | undefined = JSON.stringify(config);
  if (text !== undefined) return text;
  throw new TypeError(
    `Cannot configure the plugin "${name}" with a ${typeof config}: a route holds JSON`,
  );
}
