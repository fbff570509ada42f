/**
 * `say`: answers with a text. The Go runner's sample of the same name.
 *
 * @module
 */

import { z } from "zod";

import { definePlugin, type Plugin, stop } from "../mod.ts";

const config = z.object({
  /** What the client gets; empty or absent: the request goes on. */
  body: z.string().default(""),
}).transform(({ body }) => ({
  // Made once here, not for every request.
  answer: body === "" ? undefined : stop(body, { headers: { "x-resp-a6-runner": "Deno" } }),
}));

/** Stops the request with status 200 and the configured `body`; does nothing when it is empty. */
export const say: Plugin = definePlugin({
  name: "say",
  config,
  onRequest: ({ config }) => config.answer,
});
