/**
 * Splits clients into the variants of an experiment, and keeps each in its own.
 *
 * A cookie says who a client is: its hash picks the variant, and so nothing is stored, and all
 * runners pick the same. Who has no such cookie gets one. Testers name a variant in the header
 * `x-variant`. The upstream gets the variant in that header. Another experiment splits the same
 * clients anew; to change the weights moves some of them.
 *
 *     "ext-plugin-pre-req": {
 *       "conf": [{
 *         "name": "ab-split",
 *         "value": "{\"experiment\":\"checkout\",\"variants\":{\"old\":90,\"new\":10}}"
 *       }]
 *     }
 *
 * @module
 */

import { definePlugin } from "@apisix-deno/plugin-runner";
import { z } from "zod";

/** The number of 32 bits that a text always gives: FNV-1a, and a stir so that all bits count. */
function hash(text: string): number {
  let bits = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), 0x01000193);
  bits = Math.imul(bits ^ bits >>> 16, 0x85ebca6b);
  bits = Math.imul(bits ^ bits >>> 13, 0xc2b2ae35);
  return (bits ^ bits >>> 16) >>> 0;
}

/** The value of a cookie; `null` when there is none that we could have made. */
function cookieValue(cookies: string, name: string): string | null {
  for (const cookie of cookies.split(";")) {
    const [found, value = ""] = cookie.trim().split("=", 2);
    if (found === name && /^[\w-]{8,64}$/.test(value)) return value;
  }
  return null;
}

const name = z.string().regex(/^[\w-]{1,64}$/, "1 to 64 letters, digits, _ or -");

export default definePlugin({
  name: "ab-split",

  config: z.strictObject({
    experiment: name,
    /** The weights of the variants. */
    variants: z.record(name, z.number().min(0)),
    cookie: name.default("visitor"),
  }).transform(({ variants, ...rest }) => ({
    ...rest,
    // A Map: a client that asks for the variant "constructor" is to find none.
    weights: new Map(Object.entries(variants)),
    total: Object.values(variants).reduce((sum, weight) => sum + weight, 0),
  })).refine(({ total }) => total > 0, "variants: one must weigh more than 0"),

  onRequest({ config, request: { headers }, responseHeaders }) {
    const asked = headers.get("x-variant");
    if (asked !== null && config.weights.has(asked)) return;
    let visitor = cookieValue(headers.get("cookie") ?? "", config.cookie);
    if (visitor === null) {
      visitor = crypto.randomUUID();
      const attributes = "Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=Lax";
      responseHeaders.append("set-cookie", `${config.cookie}=${visitor}; ${attributes}`);
    }
    let place = hash(`${config.experiment}:${visitor}`) / 2 ** 32 * config.total;
    let picked = "";
    for (const [variant, weight] of config.weights) {
      if (place >= 0 && weight > 0) picked = variant;
      place -= weight;
    }
    // Always: what the client says there must not go on.
    headers.set("x-variant", picked);
  },
});
