/**
 * What the compiler knows of a plugin: these tests fail when they are checked, not when they run.
 *
 * @module
 */

import { z } from "zod";

import {
  type Body,
  type BodyContent,
  type ClientRequest,
  definePlugin,
  type EditableHeaders,
  type HookResult,
  type Log,
  type Plugin,
  type Query,
  type RequestContext,
  type ResponseContext,
  type StandardSchema,
  stop,
  type StopReply,
  type UpstreamResponse,
} from "../../plugins/mod.ts";

/** Whether two types are the same, `any` and `unknown` told apart from the rest. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Compiles only when the two types are the same. */
function sameType<A, B>(_same: Equal<A, B>): void {}

const nothing = () => {};

Deno.test("Equal tells types apart", () => {
  sameType<Equal<string, string>, true>(true);
  sameType<Equal<string, number>, false>(true);
  sameType<Equal<unknown, string>, false>(true);
  sameType<Equal<{ a: string }, { a: string | undefined }>, false>(true);
  sameType<Equal<{ a: string }, { readonly a: string }>, false>(true);
});

Deno.test("config is what a zod schema gives, with its defaults and transformations", () => {
  interface Config {
    deny: string[];
    rate: number;
    note?: string | undefined;
    since: Date;
    limit: number;
    mode: "strict" | "loose";
  }
  definePlugin({
    name: "zod",
    config: z.object({
      deny: z.array(z.string()),
      rate: z.number().default(5),
      note: z.string().optional(),
      since: z.string().transform((text) => new Date(text)),
      limit: z.coerce.number(),
      mode: z.enum(["strict", "loose"]),
    }),
    onRequest({ config }) {
      sameType<typeof config, Config>(true);
    },
    async onResponse({ config, variable }) {
      await variable("host");
      sameType<typeof config, Config>(true);
    },
  });
});

Deno.test("config is what a zod schema that is no object gives", () => {
  definePlugin({
    name: "union",
    config: z.union([z.string().transform((text) => [text]), z.array(z.string())]),
    onRequest: ({ config }) => sameType<typeof config, string[]>(true),
  });
  definePlugin({
    name: "refined",
    config: z.object({ a: z.number() }).refine(async ({ a }) => await Promise.resolve(a > 0)),
    onRequest: ({ config }) => sameType<typeof config, { a: number }>(true),
  });
});

Deno.test("config is what a function gives, which is given something unknown", () => {
  definePlugin({
    name: "function",
    config: (raw) => {
      sameType<typeof raw, unknown>(true);
      return { text: String(raw) };
    },
    onRequest({ config }) {
      sameType<typeof config, { text: string }>(true);
    },
    onResponse({ config }) {
      sameType<typeof config, { text: string }>(true);
    },
  });
  definePlugin({
    name: "method",
    config(raw: unknown) {
      return new Set(Array.isArray(raw) ? raw.map(String) : []);
    },
    onRequest: ({ config }) => sameType<typeof config, Set<string>>(true),
  });
});

Deno.test("config is what the promise of a function gives", () => {
  definePlugin({
    name: "async-function",
    config: async (raw: unknown) => [String(await Promise.resolve(raw))],
    onRequest({ config }) {
      sameType<typeof config, string[]>(true);
    },
  });
});

Deno.test("config is what any validator that follows the Standard Schema gives", () => {
  const schema: StandardSchema<Map<string, number>> = {
    "~standard": { version: 1, vendor: "test", validate: () => ({ value: new Map() }) },
  };
  definePlugin({
    name: "standard",
    config: schema,
    onResponse({ config }) {
      sameType<typeof config, Map<string, number>>(true);
    },
  });
});

Deno.test("config is unknown where nothing validates it", () => {
  definePlugin({
    name: "raw",
    onRequest({ config }) {
      sameType<typeof config, unknown>(true);
      // @ts-expect-error -- nothing is known of it
      config.deny;
    },
    onResponse({ config }) {
      sameType<typeof config, unknown>(true);
    },
  });
});

Deno.test("config keeps a wrong use from being compiled", () => {
  definePlugin({
    name: "wrong",
    config: z.object({ deny: z.array(z.string()) }),
    onRequest({ config }) {
      // @ts-expect-error -- misspelt
      void (() => config.denny);
      // @ts-expect-error -- not a number
      const rate: number = config.deny;
      void rate;
    },
  });
  // @ts-expect-error -- neither a function nor a validator
  void (() => definePlugin({ name: "object", config: { deny: [] }, onRequest: nothing }));
});

Deno.test("context of a request can be taken apart", () => {
  definePlugin({
    name: "request",
    config: (raw) => String(raw),
    onRequest(context) {
      sameType<typeof context, RequestContext<string>>(true);
      const { config, id, signal, log, state, shared, variable, variables } = context;
      sameType<typeof config, string>(true);
      sameType<typeof id, number>(true);
      sameType<typeof signal, AbortSignal>(true);
      sameType<typeof log, Log>(true);
      sameType<typeof state, Map<string, unknown>>(true);
      sameType<ReturnType<typeof shared>, Promise<Map<string, unknown>>>(true);
      sameType<ReturnType<typeof variable>, Promise<string | null>>(true);
      sameType<Parameters<typeof variables>, string[]>(true);
      const { request, responseHeaders } = context;
      sameType<typeof request, ClientRequest>(true);
      sameType<typeof responseHeaders, EditableHeaders>(true);
      // @ts-expect-error -- that is the other phase
      context.response;
    },
  });
});

Deno.test("context of a response can be taken apart", () => {
  definePlugin({
    name: "response",
    onResponse(context) {
      sameType<typeof context, ResponseContext<unknown>>(true);
      const { response, requestBody } = context;
      sameType<typeof response, UpstreamResponse>(true);
      sameType<typeof requestBody, Body>(true);
      // @ts-expect-error -- that is the other phase
      context.request;
      // @ts-expect-error -- it is on its way back
      requestBody.setBody;
    },
  });
});

Deno.test("request and response say what can be changed, and by what", () => {
  definePlugin({
    name: "parts",
    onRequest({ request }) {
      sameType<typeof request.path, string>(true);
      sameType<typeof request.query, Query>(true);
      sameType<typeof request.headers, EditableHeaders>(true);
      sameType<typeof request.clientIp, string>(true);
      sameType<ReturnType<typeof request.json>, Promise<unknown>>(true);
      sameType<ReturnType<typeof request.headers.getSetCookie>, string[]>(true);
      sameType<ReturnType<typeof request.query.get>, string | null>(true);
      sameType<Parameters<typeof request.setBody>, [content: BodyContent]>(true);
      // @ts-expect-error -- APISIX cannot change the method
      void (() => request.method = "GET");
      // @ts-expect-error -- a header is a text
      void (() => request.headers.set("x-count", 5));
      // @ts-expect-error -- the query has no form without a value to be set
      void (() => request.query.set("debug"));
      // @ts-expect-error -- null would be sent as JSON, or is meant to empty the body: say which
      void (() => request.setBody(null));
    },
    onResponse({ response }) {
      sameType<typeof response.status, number>(true);
      response.setBody({ a: [1, null, "x", { b: true }] });
      response.setBody(new Uint8Array([1]));
      // @ts-expect-error -- JSON has no such thing
      void (() => response.setBody(new Map()));
      // @ts-expect-error -- a status is a number
      void (() => response.status = "404");
    },
  });
});

Deno.test("variables has a value or null for each name, and nothing for others", () => {
  definePlugin({
    name: "variables",
    async onRequest({ variable, variables }) {
      const one = await variable("host");
      sameType<typeof one, string | null>(true);
      const two = await variables("a", "b");
      sameType<typeof two, { readonly a: string | null; readonly b: string | null }>(true);
      const { a } = two;
      sameType<typeof a, string | null>(true);
      // @ts-expect-error -- it was not asked for
      two.c;
      // @ts-expect-error -- what was answered stays
      void (() => two.a = "x");
      const names: string[] = ["host"];
      const some = await variables(...names);
      sameType<typeof some, { readonly [name: string]: string | null }>(true);
    },
  });
});

Deno.test("hooks return an answer or nothing, at once or later", () => {
  sameType<HookResult, Response | StopReply | void>(true);
  definePlugin({ name: "nothing", onRequest: nothing, onResponse: nothing });
  definePlugin({ name: "async-nothing", onRequest: async () => await Promise.resolve() });
  definePlugin({ name: "response", onRequest: () => new Response("no", { status: 403 }) });
  definePlugin({ name: "async-response", onResponse: async () => await Promise.resolve(stop("")) });
  definePlugin({ name: "fetched", onRequest: ({ signal }) => fetch("https://x.test", { signal }) });
  definePlugin({
    name: "either",
    onRequest({ request }) {
      if (request.path === "/a") return stop("a");
      if (request.path === "/b") return Response.json({ b: 1 });
    },
  });
  definePlugin({
    name: "async-either",
    async onResponse({ response }) {
      if (await response.text() === "") return stop(null, { status: 404 });
      if (response.status === 200) return;
      return new Response("b");
    },
  });
});

Deno.test("hooks that return something else are not compiled", () => {
  // @ts-expect-error -- not a Response, not stop(…)
  definePlugin({ name: "number", onRequest: () => 403 });
  // @ts-expect-error -- nothing is undefined, not null
  definePlugin({ name: "null", onRequest: () => null });
  // @ts-expect-error -- a text alone says no status
  definePlugin({ name: "text", onResponse: async () => await Promise.resolve("no") });
  // @ts-expect-error -- there is no next to be called: a hook returns
  definePlugin({ name: "next", onRequest: (_context, next) => next() });
});

Deno.test("definePlugin takes what a definition can have, and nothing misspelt", () => {
  const plugin = definePlugin({
    name: "all",
    config: z.object({}),
    onError: "continue",
    timeout: 200,
    start: async () => await Promise.resolve(),
    stop: () => {},
    onRequest: nothing,
    onResponse: nothing,
  });
  sameType<typeof plugin, Plugin<Record<string, never>>>(true);
  // @ts-expect-error -- "fail" or "continue"
  void (() => definePlugin({ name: "a", onError: "ignore", onRequest: nothing }));
  // @ts-expect-error -- milliseconds, not a text with a unit
  void (() => definePlugin({ name: "a", timeout: "5s", onRequest: nothing }));
  // @ts-expect-error -- onRequest
  void (() => definePlugin({ name: "a", onrequest: nothing, onResponse: nothing }));
  // @ts-expect-error -- a plugin has a name
  void (() => definePlugin({ onRequest: nothing }));
});

Deno.test("stop takes what Response takes, and what JSON can hold", () => {
  sameType<ReturnType<typeof stop>, StopReply>(true);
  stop({ error: "no" }, { status: 403, headers: { "x-a": "1" } });
  stop(null, { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] });
  stop(new Uint8Array(), { headers: new Headers() });
  // @ts-expect-error -- a status is a number
  void (() => stop("", { status: "403" }));
  // @ts-expect-error -- JSON has no functions
  void (() => stop(nothing));
  // @ts-expect-error -- made by stop() only
  const made: StopReply = { status: 403, body: null };
  void made;
});
