/**
 * Plugins for Apache APISIX in TypeScript, and the runner that serves them.
 *
 * A plugin is made with {@linkcode definePlugin}. {@linkcode main} makes a binary of one's own
 * with plugins inside, {@linkcode serve} starts a runner within a program. Importing this module
 * has no effect.
 *
 * @example A plugin
 * ```ts
 * import { definePlugin, stop } from "./mod.ts";
 *
 * export default definePlugin({
 *   name: "teapot",
 *   onRequest({ request }) {
 *     if (request.path === "/coffee") return stop("I'm a teapot\n", { status: 418 });
 *     request.headers.set("x-tea", "yes");
 *   },
 * });
 * ```
 *
 * @module
 */

export * from "./plugins/mod.ts";
export { bundledPlugins } from "./plugins/bundled/mod.ts";
export { main } from "./runner/cli/main.ts";
export type { MainOptions } from "./runner/cli/main.ts";
export { StartError, UsageError } from "./runner/errors.ts";
export type { LogFormat, LogLevel } from "./runner/logger.ts";
export { serve } from "./runner/serve.ts";
export type { Runner, ServeOptions } from "./runner/serve.ts";
export type { SettingsInput } from "./runner/settings.ts";
