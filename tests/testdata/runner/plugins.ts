/**
 * Plugins that do all that plugins can do, and what they should not.
 *
 * @module
 */

import { createHash } from "node:crypto";

import { z } from "zod";

import { type CallContext, definePlugin, type Plugin, type Query, stop } from "../../../mod.ts";

/** Answers with what it sees. */
const inspect = definePlugin({
  name: "inspect",
  onRequest({ id, request }) {
    const { method, path, clientIp, query, headers } = request;
    return stop({ id, method, path, clientIp, query: argumentsOf(query), headers: [...headers] });
  },
  onResponse({ id, response }) {
    return stop({ id, status: response.status, headers: [...response.headers] });
  },
});

/** Each argument with its values; `null`: it has no `=`. */
function argumentsOf(query: Query): Record<string, string[] | null> {
  const names = [...query.keys()];
  return Object.fromEntries(
    names.map((name) => [name, query.isValueless(name) ? null : query.getAll(name)]),
  );
}

const variablesConfig = z.object({
  names: z.array(z.string()),
  oneByOne: z.boolean().default(false),
});

/** Answers with variables. */
const variables = definePlugin({
  name: "variables",
  config: variablesConfig,
  onRequest: async ({ config, variable }) => stop(await ask(config, variable)),
  onResponse: async ({ config, variable }) => stop(await ask(config, variable)),
});

async function ask(
  { names, oneByOne }: z.infer<typeof variablesConfig>,
  variable: (name: string) => Promise<string | null>,
): Promise<(string | null)[]> {
  if (!oneByOne) return await Promise.all(names.map(variable));
  const values: (string | null)[] = [];
  for (const name of names) values.push(await variable(name));
  return values;
}

/** Answers with a body, as hex digits or as their SHA-256. */
const readBody = definePlugin({
  name: "read-body",
  config: z.object({
    of: z.enum(["request", "response"]).default("request"),
    as: z.enum(["hex", "digest"]).default("hex"),
  }),
  onRequest: async ({ config, request }) => stop(shown(await request.bytes(), config.as)),
  onResponse: async ({ config, response, requestBody }) =>
    stop(shown(await (config.of === "request" ? requestBody : response).bytes(), config.as)),
});

function shown(bytes: Uint8Array, as: "hex" | "digest"): string {
  if (as === "digest") return createHash("sha256").update(bytes).digest("hex");
  return bytes.toHex() || "nothing";
}

/** Reads a body and replaces it by itself with the first and the last byte inverted. */
const flipBody = definePlugin({
  name: "flip-body",
  async onRequest({ request }) {
    request.setBody(flipped(await request.bytes()));
  },
  async onResponse({ response }) {
    response.setBody(flipped(await response.bytes()));
  },
});

function flipped(bytes: Uint8Array): Uint8Array {
  for (const at of [0, bytes.length - 1]) bytes[at] = 0xff ^ (bytes[at] ?? 0);
  return bytes;
}

/** Edits the request in an order that `rewrite` does not have. */
const edit = definePlugin({
  name: "edit",
  config: z.object({
    path: z.string().optional(),
    /** Name and value; `null` deletes. A repeated name is appended. */
    query: z.array(z.tuple([z.string(), z.string().nullable()])).default([]),
    headers: z.array(z.tuple([z.string(), z.string().nullable()])).default([]),
    responseHeaders: z.array(z.tuple([z.string(), z.string()])).default([]),
  }),
  onRequest({ config, request, responseHeaders }) {
    if (config.path !== undefined) request.path = config.path;
    apply(request.query, config.query);
    apply(request.headers, config.headers);
    apply(responseHeaders, config.responseHeaders);
  },
  onResponse({ config, response }) {
    apply(response.headers, config.headers);
  },
});

function apply(
  target: {
    set(name: string, value: string): void;
    append(name: string, value: string): void;
    delete(name: string): void;
  },
  edits: readonly [string, string | null][],
): void {
  const seen = new Set<string>();
  for (const [name, value] of edits) {
    if (value === null) target.delete(name);
    else if (seen.has(name)) target.append(name, value);
    else target.set(name, value);
    seen.add(name);
  }
}

/** Only looks, and so changes nothing. */
const look = definePlugin({
  name: "look",
  onRequest({ request, responseHeaders, log }) {
    const all = [request.path, request.clientIp, ...request.query, ...request.headers];
    log.debug(`${all.length} ${request.headers.get("host")} ${responseHeaders.has("x")}`);
  },
  onResponse({ response, log }) {
    log.debug(`${response.status} ${[...response.headers].length}`);
  },
});

/** Answers with `size` bytes of body, and a header of `header` bytes. */
const answer = definePlugin({
  name: "answer",
  config: z.object({
    status: z.int().default(200),
    size: z.int().default(0),
    header: z.int().default(0),
    headers: z.array(z.tuple([z.string(), z.string()])).default([]),
  }),
  onRequest: ({ config: { status, size, header, headers } }) =>
    stop(size === 0 ? null : new Uint8Array(size).fill(0x78), {
      status,
      headers: header === 0 ? headers : [...headers, ["x-big", "x".repeat(header)]],
    }),
});

/** Answers with a `Response` of the Fetch API. */
const respond = definePlugin({
  name: "respond",
  onRequest: () => Response.json({ ok: true }, { status: 202, headers: { "x-made-by": "fetch" } }),
});

/** Throws. */
const throws = definePlugin({
  name: "throws",
  config: z.object({ what: z.enum(["error", "late error", "text", "null"]) }),
  onRequest: ({ config }) => fail(config.what),
  onResponse: ({ config }) => fail(config.what),
});

function fail(what: "error" | "late error" | "text" | "null"): Promise<void> {
  if (what === "late error") return Promise.resolve().then(() => fail("error"));
  if (what === "error") throw new Error("boom");
  throw what === "text" ? "boom" : null;
}

/** Throws, but is not worth a failed call. */
const throwsSoftly = definePlugin({
  name: "throws-softly",
  onError: "continue",
  onRequest: () => fail("error"),
  onResponse: () => fail("error"),
});

/** Never answers; says when its call is given up. */
const hangs = definePlugin({
  name: "hangs",
  onRequest: ({ signal, log }) => hang(signal, (message) => log.warn(message)),
  onResponse: ({ signal, log }) => hang(signal, (message) => log.warn(message)),
});

function hang(signal: AbortSignal, warn: (message: string) => void): Promise<void> {
  const report = () => warn(`given up: ${String(signal.reason)}`);
  if (signal.aborted) report();
  else signal.addEventListener("abort", report);
  return new Promise(() => {});
}

/** Asks, and hangs whatever the answer is. */
const asksAndHangs = definePlugin({
  name: "asks-and-hangs",
  onRequest: (context) => askAndHang(context),
  onResponse: (context) => askAndHang(context),
});

async function askAndHang({ variable, signal, log }: CallContext<unknown>): Promise<void> {
  await variable("request_uri").catch((error) => log.warn(`no answer: ${String(error)}`));
  await hang(signal, (message) => log.warn(message));
}

/** Answers after a while. */
const slow = definePlugin({
  name: "slow",
  config: z.object({ ms: z.number() }),
  async onRequest({ config }) {
    await new Promise((resolve) => setTimeout(resolve, config.ms));
    return stop("at last");
  },
});

/** Returns what no hook may return. */
const nonsense = definePlugin({
  name: "nonsense",
  config: z.object({ value: z.unknown(), late: z.boolean().default(false) }),
  onRequest: ({ config: { value, late } }) => pretended(late ? Promise.resolve(value) : value),
  onResponse: ({ config: { value, late } }) => pretended(late ? Promise.resolve(value) : value),
});

function pretended(value: unknown): Response {
  return value as Response;
}

/** Fails behind the back of its hook, and lets the request pass. */
const stray = definePlugin({
  name: "stray",
  config: z.object({ what: z.enum(["rejection", "timer", "thrown null"]) }),
  onRequest({ config: { what } }) {
    if (what === "rejection") Promise.reject(new Error("stray rejection"));
    else if (what === "timer") {
      setTimeout(() => {
        throw new Error("stray timer");
      }, 0);
    } else {
      setTimeout(() => {
        // deno-lint-ignore no-throw-literal -- plugins can do it
        throw null;
      }, 0);
    }
  },
});

/** Asks and answers without waiting. */
const forgetful = definePlugin({
  name: "forgetful",
  onRequest({ variable }) {
    void variable("request_uri");
    return stop("whatever");
  },
});

/** Answers with what the process was started with. */
const environment = definePlugin({
  name: "environment",
  onRequest: () => stop({ env: Deno.env.toObject(), cwd: Deno.cwd() }),
});

/** Takes its time to look at its configuration. */
const slowConfig = definePlugin({
  name: "slow-config",
  async config(raw) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return raw;
  },
  onRequest({ log }) {
    log.info("slow-config runs");
    return stop("ready");
  },
});

/** All of them. */
export const plugins: readonly Plugin[] = [
  inspect,
  variables,
  readBody,
  flipBody,
  edit,
  look,
  answer,
  respond,
  throws,
  throwsSoftly,
  hangs,
  asksAndHangs,
  slow,
  nonsense,
  stray,
  forgetful,
  environment,
  slowConfig,
];
