/**
 * `response-rewrite`: changes the upstream's response. The Go runner's sample of the same name.
 *
 * @module
 */

import { z } from "zod";

import { definePlugin, type Plugin, type UpstreamResponse } from "../mod.ts";

const filter = z.object({
  /** A regular expression; `(?i)`, `(?m)` and `(?s)` in front are flags. */
  regex: z.string(),
  /** The first match, or all. */
  scope: z.enum(["once", "global"]),
  /** What is put in its place; `$1` and `${name}` stand for groups, `$$` for a dollar sign. */
  replace: z.string(),
}).transform(({ regex, scope, replace }, context) => {
  try {
    return { pattern: compile(regex, scope === "global" ? "g" : ""), replace };
  } catch (error) {
    context.addIssue({ code: "custom", path: ["regex"], message: String(error) });
    return z.NEVER;
  }
});

type Filter = z.infer<typeof filter>;

const config = z.object({
  /** The new status. */
  status: z.int().min(200).max(999).optional(),
  /** Headers to set. */
  headers: z.record(z.string(), z.string()).default({}),
  /** The new body; not used when there are filters. */
  body: z.string().default(""),
  /** Replacements in the upstream's body, in order. */
  filters: z.array(filter).default([]),
});

/** Changes status, headers and body of the upstream's response; `filters` win over `body`. */
export const responseRewrite: Plugin = definePlugin({
  name: "response-rewrite",
  config,
  onResponse({ config, response, log }) {
    const replaces = config.filters.length === 0 && config.body !== "";
    // The new body is not encoded as the upstream's was.
    if (replaces) response.headers.delete("content-encoding");
    response.headers.set("x-resp-a6-runner", "Deno");
    for (const [name, value] of Object.entries(config.headers)) response.headers.set(name, value);
    if (config.status !== undefined) response.status = config.status;
    if (replaces) response.setBody(config.body);
    if (config.filters.length === 0) return;
    const encoding = response.headers.get("content-encoding");
    if (encoding !== null && encoding !== "identity") {
      log.warn(`filters are not applied: the upstream's body is encoded as ${encoding}`);
      return;
    }
    return applyFilters(response, config.filters);
  },
});

async function applyFilters(response: UpstreamResponse, filters: readonly Filter[]): Promise<void> {
  const bytes = await response.bytes();
  const [text, encode] = editable(bytes);
  const edited = filters.reduce(
    (body, { pattern, replace }) => body.replace(pattern, (...match) => expand(replace, match)),
    text,
  );
  // APISIX cannot send an empty body in place of the upstream's.
  if (edited !== text) response.setBody(edited === "" ? "\n" : encode(edited));
}

/** The body as text, and the way back; what is not UTF-8 is taken byte by byte, so nothing is lost. */
function editable(bytes: Uint8Array): [string, (text: string) => string | Uint8Array] {
  try {
    return [
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
      (text) => text,
    ];
  } catch {
    let latin1 = "";
    for (const byte of bytes) latin1 += String.fromCharCode(byte);
    return [latin1, (text) => Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff)];
  }
}

/** What would be taken for plain letters here, and then not match: it is refused. */
const GO_ONLY = /\\[^\W\ddDwWsSbBnrtfvxukpPc]|\[\[:/;

/** Takes Go's syntax where it differs: flags in front, and `(?P<name>…)`. */
function compile(source: string, scope: "g" | ""): RegExp {
  const leading = /^\(\?([ims]+)\)/.exec(source);
  const flags = scope + (leading?.[1] ?? "");
  const body = source.slice(leading?.[0].length ?? 0).replaceAll("(?P<", "(?<");
  try {
    return new RegExp(body, `${flags}u`);
  } catch (error) {
    if (GO_ONLY.test(body)) throw error;
    // With "u" an escape without a meaning is an error, which it is not in Go: `\-`.
    return new RegExp(body, flags);
  }
}

/** Go's templates: `$1`, `${1}`, `$name`, `${name}`, `$$`; a group that is not there is empty. */
function expand(template: string, match: readonly unknown[]): string {
  const last = match.at(-1);
  const named = typeof last === "object" && last !== null ? new Map(Object.entries(last)) : null;
  return template.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced, bare) => {
    if (whole === "$$") return "$";
    const name: string = braced ?? bare;
    const value = /^\d+$/.test(name) ? group(match, Number(name)) : named?.get(name);
    return typeof value === "string" ? value : "";
  });
}

/** The arguments of a replacer are the match, its groups, then the position, which is a number. */
function group(match: readonly unknown[], index: number): unknown {
  const groups = match.findIndex((part) => typeof part === "number");
  return index < groups ? match[index] : undefined;
}
