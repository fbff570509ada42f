/**
 * Hides fields of JSON responses, wherever in them they are.
 *
 * It needs both phases: in the first it asks the upstream for a whole body that is not compressed,
 * and a configuration that is refused closes the route before anything can get out; in the second
 * it hides the fields. Numbers keep all their digits. What it cannot read it does not let out: the
 * client gets 502. With `"others": "pass"` bodies of other types than JSON go out as they are.
 *
 *     "ext-plugin-pre-req": {
 *       "conf": [{ "name": "redact", "value": "{\"fields\":[\"iban\",\"birthday\"]}" }]
 *     },
 *     "ext-plugin-post-resp": {
 *       "conf": [{ "name": "redact", "value": "{\"fields\":[\"iban\",\"birthday\"]}" }]
 *     }
 *
 * @module
 */

import { definePlugin, stop } from "@apisix-deno/plugin-runner";
import { z } from "zod";

declare global {
  interface JSON {
    /** Makes a value that is written as it stands: newer than TypeScript's own types. */
    rawJSON(text: string): unknown;
  }
}

const hidden = stop({ error: "the response cannot be shown" }, { status: 502 });

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The text with the fields hidden; `null` when there is none of them. */
function redacted(text: string, fields: ReadonlySet<string>, mask: string): string | null {
  let found = false;
  const value: unknown = JSON.parse(text, (name, value: unknown, context?: { source?: string }) => {
    if (fields.has(name)) {
      found = true;
      return mask;
    }
    // 12345678901234567890 would become 12345678901234567000.
    return typeof value === "number" ? JSON.rawJSON(context?.source ?? String(value)) : value;
  });
  return found ? JSON.stringify(value) : null;
}

export default definePlugin({
  name: "redact",

  config: z.strictObject({
    /** Their names; case counts. */
    fields: z.array(z.string().min(1)).min(1, "name at least one field")
      .transform((names) => new Set(names)),
    /** What stands in their place. */
    mask: z.string().default("***"),
    /** What becomes of bodies that are not JSON. */
    others: z.enum(["refuse", "pass"]).default("refuse"),
  }),

  onRequest({ request }) {
    for (const name of ["accept-encoding", "range", "if-range"]) request.headers.delete(name);
  },

  async onResponse({ config: { fields, mask, others }, response, log }) {
    // An error here would make APISIX send the upstream's body: so none may get out.
    try {
      const isJson = /^(application|text)\/([\w.+-]+\+)?json *(;|$)/i
        .test(response.headers.get("content-type") ?? "");
      if (!isJson && others === "pass") return;
      const bytes = await response.bytes();
      if (bytes.length === 0) return;
      if (!isJson) throw new TypeError('it is not JSON; with "others": "pass" it would go out');
      const text = redacted(utf8.decode(bytes), fields, mask);
      if (text === null) return;
      response.setBody(text);
      // They are about the body that was.
      for (const name of ["etag", "digest", "content-md5"]) response.headers.delete(name);
    } catch (error) {
      log.error("cannot redact a response: the client gets 502", { error });
      return hidden;
    }
  },
});
