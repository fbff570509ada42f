/**
 * Lets only requests pass whose body fits the JSON Schema (draft 2020-12) that the route gives.
 *
 * The upstream gets the body as it came. Of two members with the same name the last one counts
 * here: let the upstream see it the same way, or send it what was validated, as `zod_body.ts` does.
 * All requests of the route need a body: set the route's `methods`. Formats ("email") are not
 * known; the package ajv-formats adds them.
 *
 * It needs the npm package ajv: build a binary of your own, or bundle it into the file.
 *
 *     "ext-plugin-pre-req": {
 *       "conf": [{
 *         "name": "json-schema",
 *         "value": "{\"schema\":{\"type\":\"object\",\"required\":[\"sku\"],\"properties\":{\"sku\":{\"type\":\"string\"}}}}"
 *       }]
 *     }
 *
 * @module
 */

import { definePlugin, stop } from "@apisix-deno/plugin-runner";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { z } from "zod";

const notJson = stop({ error: "the body must be application/json" }, { status: 415 });
const tooLarge = stop({ error: "the body is too large" }, { status: 413 });
const malformed = stop({ error: "the body is not JSON in UTF-8, or too deep" }, { status: 400 });

/** Throws for what is not UTF-8, in place of guessing. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Compiles a schema: once for each route, as that is what takes long. */
function validatorOf(schema: Record<string, unknown>): ValidateFunction {
  // The first error is enough, however many a client sends; and {} has no "constructor" of its own.
  const ajv = new Ajv2020({ allErrors: false, ownProperties: true, logger: false });
  const validate = ajv.compile(schema);
  // It would give a promise, which is true whatever comes of it.
  if ("$async" in validate) throw new Error("$async is not possible here: leave it out");
  return validate;
}

export default definePlugin({
  name: "json-schema",

  config: z.strictObject({
    schema: z.record(z.string(), z.unknown()).transform((schema, context) => {
      try {
        return validatorOf(schema);
      } catch (error) {
        context.addIssue({ code: "custom", message: String(error) });
        return z.NEVER;
      }
    }),
    maxBytes: z.number().int().min(1).max(16_000_000).default(1_048_576),
  }),

  async onRequest({ config: { schema: validate, maxBytes }, request }) {
    const type = request.headers.get("content-type") ?? "";
    if (!/^application\/json *(;|$)/i.test(type)) return notJson;
    if (Number(request.headers.get("content-length")) > maxBytes) return tooLarge;
    const bytes = await request.bytes();
    if (bytes.length > maxBytes) return tooLarge;
    try {
      if (validate(JSON.parse(utf8.decode(bytes)))) return;
    } catch {
      return malformed; // a schema that refers to itself can run out of stack
    }
    const [{ instancePath = "", message = "" } = {}] = validate.errors ?? [];
    return stop({ error: message, at: instancePath }, { status: 422 });
  },
});
