/**
 * Lets the time of a call be that of a runner which has been running for a while.
 *
 * @module
 */

import { definePlugin } from "../../../plugins/plugin.ts";
import { requestFrom, responseFrom } from "../../apisix/test_input.ts";
import { MemoryTarget } from "./call_target.ts";

/** Calls of each phase: enough for most of what is slow at first. */
const CALLS = 30;

/** Uses what most plugins use. */
const plugin = definePlugin({
  name: "warm-up",
  async onRequest({ request, variable }) {
    request.headers.set("x-path", request.path + request.query.get("a") + await variable("host"));
  },
  async onResponse({ response }) {
    response.headers.set("x-length", `${(await response.text()).length}`);
  },
});

/**
 * Makes calls to a runner of its own, before those that are timed: code that has never run takes
 * milliseconds, in place of microseconds.
 */
export async function warmUp(): Promise<void> {
  const target = new MemoryTarget([plugin]);
  const { apisix } = target;
  const route = { plugins: [{ name: plugin.name, value: "{}" }] };
  const request = requestFrom("/?a=b");
  const response = responseFrom({ body: "hello" });
  await target.run(async () => {
    for (let i = 0; i < CALLS; i++) {
      await apisix.request(route, request);
      await apisix.response(route, request, response);
    }
  });
  await target.close();
}
