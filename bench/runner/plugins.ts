/**
 * One plugin for each kind of work that a call can ask for.
 *
 * @module
 */

import { definePlugin, type Plugin } from "../../mod.ts";

/** The plugins of the scenarios. */
export const scenarioPlugins: readonly Plugin[] = [
  definePlugin({ name: "nothing", onRequest() {} }),
  definePlugin({
    name: "headers",
    onRequest({ request }) {
      const agent = request.headers.get("user-agent");
      const cookie = request.headers.get("cookie");
      request.headers.set("x-seen", agent !== null && cookie !== null ? "both" : "some");
    },
  }),
  definePlugin({
    name: "variable",
    async onRequest({ variable }) {
      await variable("remote_addr");
    },
  }),
  definePlugin({
    name: "body",
    async onRequest({ request }) {
      await request.bytes();
    },
  }),
  definePlugin({
    name: "rewrite-body",
    async onRequest({ request }) {
      request.setBody(await request.bytes());
    },
  }),
  definePlugin({
    name: "response",
    onResponse({ response }) {
      response.headers.delete("x-powered-by");
    },
  }),
  definePlugin({
    name: "replace",
    async onResponse({ response }) {
      response.setBody(await response.bytes());
    },
  }),
];
