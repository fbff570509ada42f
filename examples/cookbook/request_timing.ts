/**
 * Gives each request an id, and tells the client the id and how long its request took.
 *
 * The id goes upstream in `x-request-id`; one that the client sends is kept where it looks like
 * one. Both phases are needed: what the request phase has put into `shared()` is read in the
 * response phase. It may be gone by then, after a restart for example: then the time is left out.
 *
 *     "ext-plugin-pre-req": { "conf": [{ "name": "request-timing", "value": "{}" }] },
 *     "ext-plugin-post-resp": { "conf": [{ "name": "request-timing", "value": "{}" }] }
 *
 * @module
 */

import { definePlugin } from "@apisix-deno/plugin-runner";

// All plugins share one map: so begin with the plugin's name.
const ID = "request-timing.id";
const START = "request-timing.start";

export default definePlugin({
  name: "request-timing",
  // It guards nothing: rather no time in the response than no response.
  onError: "continue",

  async onRequest({ request, shared }) {
    const start = performance.now();
    const sent = request.headers.get("x-request-id");
    const id = sent !== null && /^[\w-]{8,64}$/.test(sent) ? sent : crypto.randomUUID();
    request.headers.set("x-request-id", id);
    (await shared()).set(ID, id).set(START, start);
  },

  async onResponse({ response, shared }) {
    const values = await shared();
    const id = values.get(ID);
    const start = values.get(START);
    if (typeof id === "string") response.headers.set("x-request-id", id);
    if (typeof start === "number") {
      const ms = (performance.now() - start).toFixed(1);
      // Others may have said something in it, too.
      response.headers.append("server-timing", `gateway;dur=${ms}`);
    }
  },
});
