/**
 * Adds cookies to the response. Those that the upstream sets stay.
 *
 * Cookies that do not depend on the response can be added in the request phase: that works since
 * APISIX 2.13, and APISIX need not hold the response for it. They go with whatever is answered, an
 * error of the upstream, too. Where a cookie depends on the response, do the same in `onResponse`
 * with `response.headers.append("set-cookie", …)`.
 *
 *     "ext-plugin-pre-req": {
 *       "conf": [{
 *         "name": "set-cookie",
 *         "value": "{\"cookies\":[{\"name\":\"__Host-seen\",\"value\":\"1\",\"maxAge\":86400}]}"
 *       }]
 *     }
 *
 * @module
 */

import { definePlugin } from "@apisix-deno/plugin-runner";
import { z } from "zod";

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

const cookie = z.strictObject({
  name: z.string().regex(NAME, "not a name for a cookie"),
  value: z.string().regex(VALUE, "use encodeURIComponent for blanks, quotes, commas and ;"),
  path: z.string().regex(/^\/[\x20-\x3a\x3c-\x7e]*$/, 'starts with "/" and has no ";"').default(
    "/",
  ),
  domain: z.string().regex(/^[A-Za-z0-9.-]+$/, "not a domain").optional(),
  /** In seconds; 0 deletes the cookie. Without it the cookie goes when the browser closes. */
  maxAge: z.number().int().min(0).optional(),
  secure: z.boolean().default(true),
  httpOnly: z.boolean().default(true),
  sameSite: z.enum(["Strict", "Lax", "None"]).default("Lax"),
});

/** The line for a cookie. Browsers drop silently what breaks their rules: say so here. */
const line = cookie.refine((cookie) => cookie.sameSite !== "None" || cookie.secure, {
  message: "sameSite None needs secure",
}).refine((cookie) => !/^__(Secure|Host)-/i.test(cookie.name) || cookie.secure, {
  message: "a name that begins with __Secure- or __Host- needs secure",
}).refine(
  ({ name, path, domain }) => !/^__Host-/i.test(name) || path === "/" && domain === undefined,
  { message: 'a name that begins with __Host- needs the path "/" and no domain' },
).transform(({ name, value, path, domain, maxAge, secure, httpOnly, sameSite }) =>
  [
    `${name}=${value}`,
    `Path=${path}`,
    ...domain === undefined ? [] : [`Domain=${domain}`],
    ...maxAge === undefined ? [] : [`Max-Age=${maxAge}`],
    ...secure ? ["Secure"] : [],
    ...httpOnly ? ["HttpOnly"] : [],
    `SameSite=${sameSite}`,
  ].join("; ")
);

export default definePlugin({
  name: "set-cookie",
  config: z.strictObject({ cookies: z.array(line).min(1, "name at least one cookie") }),
  onRequest({ config, responseHeaders }) {
    for (const line of config.cookies) responseHeaders.append("set-cookie", line);
  },
});
