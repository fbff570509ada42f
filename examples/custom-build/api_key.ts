/**
 * A guard: requests need a key that the route knows.
 *
 * @module
 */

import { z } from "zod";

import { definePlugin, type Plugin, stop } from "../../mod.ts";

const refused = stop({ error: "missing or unknown API key" }, { status: 401 });

const plugin: Plugin = definePlugin({
  name: "api-key",
  config: z.object({
    /** The keys, each with the name of its owner. */
    keys: z.record(z.string(), z.string()),
  }).transform(({ keys }) => ({
    // A Map: in an object, a client could name what every object has, like "constructor".
    owners: new Map(Object.entries(keys)),
  })),
  onRequest({ config, request }) {
    const owner = config.owners.get(request.headers.get("x-api-key") ?? "");
    if (owner === undefined) return refused;
    request.headers.delete("x-api-key");
    request.headers.set("x-owner", owner);
  },
});

export default plugin;
