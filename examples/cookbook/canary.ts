/**
 * Sends requests to a canary: those with a certain query argument, and a share of the others.
 *
 * The upstream tells the canary by its path: `/api/users?canary=1` arrives as `/canary/api/users`.
 * The argument is taken out on the way. Paths that do not start with the `prefix` are left alone,
 * and so the canary cannot be used for others.
 *
 *     "ext-plugin-pre-req": {
 *       "conf": [{ "name": "canary", "value": "{\"prefix\":\"/api/\",\"to\":\"/canary/api/\"}" }]
 *     }
 *
 * @module
 */

import { definePlugin } from "@apisix-deno/plugin-runner";
import { z } from "zod";

const prefix = z.string().regex(/^\/([^?]*\/)?$/, 'starts and ends with "/" and has no "?"');

export default definePlugin({
  name: "canary",

  config: z.strictObject({
    /** What the paths begin with, percent-decoded. */
    prefix,
    /** What the canary's paths begin with instead. */
    to: prefix,
    /** The query argument that asks for the canary, and what it must say. */
    argument: z.string().min(1).default("canary"),
    value: z.string().min(1).default("1"),
    /** How many of a hundred requests without that argument get the canary, too. */
    percentage: z.number().min(0).max(100).default(0),
  }).refine(({ prefix, to }) => !to.startsWith(prefix), {
    message: "to must not begin with prefix: requests could ask for the canary by its path",
  }),

  onRequest({ config, request, responseHeaders }) {
    const { path, query } = request;
    const isAsked = query.has(config.argument);
    // The upstream need not know how it was chosen, and its caches need not, either.
    const asked = query.get(config.argument);
    if (isAsked) query.delete(config.argument);
    if (!path.startsWith(config.prefix)) return;
    // Who asks for something else, as in ?canary=0, never gets the canary.
    const isChosen = isAsked ? asked === config.value : Math.random() * 100 < config.percentage;
    if (!isChosen) return;
    request.path = config.to + path.slice(config.prefix.length);
    responseHeaders.set("x-canary", "1");
  },
});
