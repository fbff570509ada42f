/**
 * Tests of plugins, without APISIX and without a socket.
 *
 * {@linkcode testPlugin} plays APISIX against a real runner in memory: the same frames go to and
 * fro, and what comes of them is worked out as APISIX does it.
 *
 * @example
 * ```ts
 * import { definePlugin, stop } from "../../mod.ts";
 * import { testPlugin } from "./testing.ts";
 * import assert from "node:assert/strict";
 *
 * const teapot = definePlugin({
 *   name: "teapot",
 *   onRequest({ request }) {
 *     if (request.path === "/coffee") return stop("I'm a teapot\n", { status: 418 });
 *     request.headers.set("x-tea", "yes");
 *   },
 * });
 *
 * Deno.test("there is no coffee", async () => {
 *   const outcome = await testPlugin(teapot).request("/coffee");
 *   assert.equal(outcome.status, 418);
 *   assert.equal(outcome.text(), "I'm a teapot\n");
 * });
 *
 * Deno.test("other requests go on, with a header", async () => {
 *   const outcome = await testPlugin(teapot).request("/milk?cold");
 *   assert.equal(outcome.upstream.headers.get("x-tea"), "yes");
 *   assert.equal(outcome.upstream.target, "/milk?cold");
 * });
 * ```
 *
 * @module
 */

import type { Plugin } from "../../plugins/plugin.ts";
import { type ConfiguredPlugin, PluginTester, type TesterOptions } from "./plugin_tester.ts";

export type { LogLine } from "./log_book.ts";
export type { RequestOutcome } from "./outcome.ts";
export { CallError } from "./plugin_tester.ts";
export type { ConfiguredPlugin, PluginTester, TesterOptions } from "./plugin_tester.ts";
export type { ClientResponse, SentHeaders, SentMessage, UpstreamRequest } from "./sent_message.ts";
export type { HeaderInput, RequestInput, ResponseInput, VariableInput } from "./test_input.ts";

/** The configurations that a plugin takes, as the types know them; `unknown` where they do not. */
export type ConfigInput<Tested> = Tested extends { readonly "~config"?: infer Input } ? Input
  : unknown;

/** The configuration of the plugin, and what a test may say about the runner. */
export interface TestOptions<Tested> extends TesterOptions {
  /** The plugin's configuration, as the route has it: a value that JSON can hold. */
  readonly config?: ConfigInput<Tested>;
}

/**
 * Makes a tester for a plugin.
 *
 * @param plugin The plugin.
 * @param options Its configuration.
 * @returns The tester. It needs no closing, unless the plugin has `stop()`: then say
 * `await using tester = testPlugin(plugin)`.
 *
 * @example
 * ```ts
 * import { definePlugin } from "../../mod.ts";
 * import { testPlugin } from "./testing.ts";
 * import assert from "node:assert/strict";
 * import { z } from "zod";
 *
 * const gate = definePlugin({
 *   name: "geo-gate",
 *   config: z.object({ deny: z.array(z.string()) }),
 *   async onRequest({ config, request, variable }) {
 *     const country = await variable("geoip2_data_country_code");
 *     if (country !== null && config.deny.includes(country)) {
 *       return Response.json({ error: "forbidden" }, { status: 403 });
 *     }
 *     request.headers.set("x-country", country ?? "ZZ");
 *   },
 * });
 *
 * const tester = testPlugin(gate, { config: { deny: ["XX"] } });
 *
 * const refused = await tester.request("/", { vars: { geoip2_data_country_code: "XX" } });
 * assert.equal(refused.status, 403);
 * assert.deepEqual(refused.json(), { error: "forbidden" });
 *
 * const passed = await tester.request("/", { vars: { geoip2_data_country_code: "NZ" } });
 * assert.equal(passed.upstream.headers.get("x-country"), "NZ");
 *
 * await assert.rejects(testPlugin(gate).request("/"), /"geo-gate": .*deny: Invalid input/);
 * ```
 */
export function testPlugin<Tested extends Plugin>(
  plugin: Tested,
  options?: TestOptions<Tested>,
): PluginTester;
/**
 * Makes a tester for a chain of plugins.
 *
 * @param plugins The plugins in their order, each with its configuration where it needs one; the
 * same plugin may come twice.
 * @param options What the test says about the runner.
 * @returns The tester.
 *
 * @example
 * ```ts
 * import { definePlugin } from "../../mod.ts";
 * import { testPlugin } from "./testing.ts";
 * import assert from "node:assert/strict";
 *
 * const first = definePlugin({ name: "first", onRequest: ({ state }) => void state.set("n", 7) });
 * const second = definePlugin({
 *   name: "second",
 *   onRequest: ({ state, request }) => request.headers.set("x-n", `${state.get("n")}`),
 * });
 *
 * const { upstream } = await testPlugin([first, second]).request("/");
 * assert.equal(upstream.headers.get("x-n"), "7");
 * ```
 */
export function testPlugin(
  plugins: readonly (Plugin | ConfiguredPlugin)[],
  options?: TesterOptions,
): PluginTester;
export function testPlugin(
  tested: Plugin | readonly (Plugin | ConfiguredPlugin)[],
  options: TestOptions<unknown> = {},
): PluginTester {
  const chain: readonly ConfiguredPlugin[] = "name" in tested
    ? [{ plugin: tested, config: options.config }]
    : tested.map((entry) => "plugin" in entry ? entry : { plugin: entry });
  return new PluginTester(chain, options);
}
