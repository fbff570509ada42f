/**
 * `rewrite`: changes the request on its way to the upstream.
 *
 * @module
 */

import { z } from "zod";

import { definePlugin, type Plugin } from "../mod.ts";

const name = z.string().regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, "not a header name");
// deno-lint-ignore no-control-regex -- these control characters are what must not be there
const value = z.string().regex(/^[^\x00\r\n]*$/, "a header value has no CR, LF or NUL");
const headerTexts = z.record(name, value).default({});
const texts = z.record(z.string(), z.string()).default({});
const names = z.array(z.string()).default([]);
const edits = z.strictObject({
  /** Replaced by one value each. */
  set: texts,
  /** Added. */
  append: texts,
  /** Removed, before anything is set or added. */
  delete: names,
});
type Edits = z.infer<typeof edits>;

/** Sets path, headers, query arguments and body of the request, and headers of the response. */
export const rewrite: Plugin = definePlugin({
  name: "rewrite",
  config: z.strictObject({
    /** The new path, decoded; the query stays. */
    path: z.string().regex(/^\/[^?]*$/, 'starts with "/" and has no "?"').optional(),
    /** Request headers. */
    headers: edits.extend({
      set: headerTexts,
      append: headerTexts,
      delete: z.array(name.refine((name) => name.toLowerCase() !== "host", "host must stay"))
        .default([]),
    }).optional(),
    /** Query arguments. */
    query: edits.optional(),
    /** The new request body. */
    body: z.string().min(1).optional(),
    /** Headers for the client's response. */
    responseHeaders: z.strictObject({ set: headerTexts, append: headerTexts }).optional(),
  }),
  onRequest({ config, request, responseHeaders }) {
    if (config.path !== undefined) request.path = config.path;
    if (config.headers !== undefined) apply(request.headers, config.headers);
    if (config.query !== undefined) apply(request.query, config.query);
    if (config.body !== undefined) request.setBody(config.body);
    if (config.responseHeaders !== undefined) {
      apply(responseHeaders, { ...config.responseHeaders, delete: [] });
    }
  },
});

/** What headers and query have in common. */
interface Editable {
  set(name: string, value: string): void;
  append(name: string, value: string): void;
  delete(name: string): void;
}

function apply(target: Editable, edits: Edits): void {
  for (const name of edits.delete) target.delete(name);
  for (const [name, value] of Object.entries(edits.set)) target.set(name, value);
  for (const [name, value] of Object.entries(edits.append)) target.append(name, value);
}
