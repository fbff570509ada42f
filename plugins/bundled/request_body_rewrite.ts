/**
 * `request-body-rewrite`: replaces the request body. The Go runner's sample of the same name.
 *
 * @module
 */

import { z } from "zod";

import { definePlugin, type Plugin } from "../mod.ts";

/** Sends `new_body` to the upstream in place of the request's body. */
export const requestBodyRewrite: Plugin = definePlugin({
  name: "request-body-rewrite",
  config: z.object({
    /** The new body; APISIX cannot empty one. */
    new_body: z.string().min(1),
  }),
  onRequest({ config, request }) {
    request.setBody(config.new_body);
  },
});
