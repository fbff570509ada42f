/**
 * Asks a service whether a request may pass.
 *
 * The service gets the client's `authorization`, and what is asked for in `x-forwarded-method` and
 * `x-forwarded-uri`. 200 or 204 lets the request pass, with the service's `x-user` for the
 * upstream; 401 and 403 go to the client. Anything else closes the route with 503, and so does an
 * answer that takes longer than half a second: a guard that cannot ask lets nobody pass.
 *
 *     "ext-plugin-pre-req": {
 *       "conf": [{ "name": "auth-service", "value": "{\"url\":\"http://127.0.0.1:9000/check\"}" }]
 *     }
 *
 * @module
 */

import { definePlugin, stop } from "@apisix-deno/plugin-runner";
import { z } from "zod";

const missing = stop({ error: "credentials are needed" }, {
  status: 401,
  headers: { "www-authenticate": "Bearer" },
});

export default definePlugin({
  name: "auth-service",
  timeout: 500, // then the signal aborts and the client gets 503

  config: z.strictObject({ url: z.url({ protocol: /^https?$/ }) }),

  async onRequest({ config, request, variable, signal }) {
    const authorization = request.headers.get("authorization");
    // The service need not be asked about those who say nothing, or nothing that can be sent on.
    if (authorization === null || !/^[\x20-\x7e]+$/.test(authorization)) return missing;

    const answer = await fetch(config.url, {
      headers: {
        authorization,
        "x-forwarded-method": request.method,
        "x-forwarded-uri": await variable("real_request_uri") ?? "",
      },
      // A redirect to a login page that answers 200 must not let everyone pass.
      redirect: "manual",
      signal,
    }).catch((error: unknown) => {
      throw new Error(`Cannot ask ${config.url}: see that it runs and can be reached: ${error}`, {
        cause: error,
      });
    });
    // Gives the connection back.
    await answer.body?.cancel();

    if (answer.status === 401 || answer.status === 403) {
      const challenge = answer.headers.get("www-authenticate");
      return stop({ error: answer.status === 401 ? "who are you?" : "not for you" }, {
        status: answer.status,
        headers: challenge === null ? {} : { "www-authenticate": challenge },
      });
    }
    if (answer.status !== 200 && answer.status !== 204) {
      throw new Error(`${config.url} answered ${answer.status}: 200, 204, 401 or 403 is expected`);
    }
    // What the client says of itself in this header must not reach the upstream.
    request.headers.delete("x-user");
    const user = answer.headers.get("x-user");
    if (user !== null) request.headers.set("x-user", user);
  },
});
