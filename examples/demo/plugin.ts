/**
 * The demo's plugin: a gate for one path, a header for the upstream, a cleaner response.
 *
 * @module
 */

import { z } from "zod";

import { definePlugin, type Plugin } from "../../mod.ts";

const plugin: Plugin = definePlugin({
  name: "front-door",
  config: z.object({ closed: z.array(z.string()) }),
  async onRequest({ config, request, responseHeaders, variable }) {
    if (config.closed.includes(request.path)) {
      return Response.json({ error: `${request.path} is closed` }, { status: 403 });
    }
    request.headers.set("x-country", await variable("geoip2_data_country_code") ?? "ZZ");
    request.query.delete("debug");
    responseHeaders.append("vary", "x-country");
  },
  async onResponse({ response }) {
    response.headers.delete("x-powered-by");
    response.setBody((await response.text()).replace("Wrold", "World"));
  },
});

export default plugin;
