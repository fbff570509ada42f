/**
 * Lets only orders pass, and sends the upstream what was validated and nothing else.
 *
 * The schema stands here, in the code: zod trims texts, fills in what may be missing, refuses what
 * it does not know. What is wrong goes to the client as a problem document (RFC 9457), with a JSON
 * pointer to each place. Replacing the body needs APISIX 3.6. All requests of the route need a
 * body: set the route's `methods`.
 *
 *     "ext-plugin-pre-req": {
 *       "conf": [{ "name": "zod-body", "value": "{\"maxBytes\":65536}" }]
 *     }
 *
 * @module
 */

import { definePlugin, type JsonValue, stop, type StopReply } from "@apisix-deno/plugin-runner";
import { z } from "zod";

const Order = z.strictObject({
  email: z.email(),
  items: z.array(z.strictObject({
    sku: z.string().regex(/^[A-Z]{2}-\d{1,8}$/, "two capital letters, a hyphen and digits"),
    count: z.number().int().min(1).max(100).default(1),
  })).min(1).max(50),
  note: z.string().trim().max(500).optional(),
});

/** More would only help those who want long answers for short questions. */
const MAX_ERRORS = 10;

function problem(status: number, title: string, errors?: readonly JsonValue[]): StopReply {
  return stop({ title, status, errors }, {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}

const notJson = problem(415, "The body must be application/json");
const tooLarge = problem(413, "The body is too large");
const malformed = problem(400, "The body is not JSON in UTF-8");

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function pointer(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => String(part).replaceAll("~", "~0").replaceAll("/", "~1"));
  return parts.map((part) => `/${part}`).join("");
}

export default definePlugin({
  name: "zod-body",

  config: z.strictObject({ maxBytes: z.number().int().min(1).max(16_000_000).default(65_536) }),

  async onRequest({ config, request }) {
    const type = request.headers.get("content-type") ?? "";
    if (!/^application\/json *(;|$)/i.test(type)) return notJson;
    if (Number(request.headers.get("content-length")) > config.maxBytes) return tooLarge;
    const bytes = await request.bytes();
    if (bytes.length > config.maxBytes) return tooLarge;
    let value: unknown;
    try {
      value = JSON.parse(utf8.decode(bytes));
    } catch {
      return malformed;
    }
    const order = Order.safeParse(value);
    if (order.success) return request.setBody(order.data);
    const errors = order.error.issues.slice(0, MAX_ERRORS)
      .map(({ path, message }) => ({ pointer: pointer(path), detail: message }));
    return problem(422, "The order is not valid", errors);
  },
});
