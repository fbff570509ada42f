/**
 * Calls as plugins and chains get them, and a host for them that remembers what it was told.
 *
 * @module
 */

import type { CallHost } from "../../plugins/call.ts";
import { Chain } from "../../plugins/chain.ts";
import type { Log, LogFields } from "../../plugins/context.ts";
import type { Ask } from "../../plugins/extra_info.ts";
import { definePlugin, type Plugin } from "../../plugins/mod.ts";
import type { PluginDefinition } from "../../plugins/plugin.ts";
import { Registry } from "../../plugins/registry.ts";
import { type Shared, SharedStores } from "../../plugins/shared.ts";
import { HTTPReqCallMessage, HTTPRespCallMessage } from "../../protocol/decode_request.ts";
import {
  encodeExtraInfoResp,
  encodeHTTPReqCallReq,
  encodeHTTPRespCallReq,
} from "../../protocol/encode_request.ts";
import { Frame, HEADER_BYTES, RpcType } from "../../protocol/frame.ts";
import {
  type ExtraInfoReq,
  type HTTPReqCallReq,
  type HTTPReqCallResp,
  type HTTPRespCallReq,
  METHODS,
  type Rewrite,
  type SendableEntry,
  type SendableText,
  type Stop,
  type Text,
  type TextEntry,
  type TextSlice,
} from "../../protocol/messages.ts";
import { decodeText } from "../../protocol/text.ts";

/** An entry in short: a name, and a value unless it is absent. */
export type Pair = readonly [name: Text, value?: Text];

/** What a request call is made of; what is left out is as plain as can be. */
export interface RequestFields {
  readonly id?: number;
  readonly confToken?: number;
  readonly srcIp?: Uint8Array | null;
  readonly method?: string;
  readonly path?: Text;
  readonly args?: readonly Pair[] | null;
  readonly headers?: readonly Pair[] | null;
}

/** What a response call is made of. */
export interface ResponseFields {
  readonly id?: number;
  readonly confToken?: number;
  readonly status?: number;
  readonly headers?: readonly Pair[] | null;
}

/** The message of a request call, as it would come from the wire. */
export function requestMessage(fields: RequestFields = {}): HTTPReqCallMessage {
  const frame = encodeHTTPReqCallReq(requestCall(fields));
  return new HTTPReqCallMessage(Frame.of(RpcType.HTTP_REQ_CALL, frame.subarray(HEADER_BYTES)));
}

/** The message of a response call, as it would come from the wire. */
export function responseMessage(fields: ResponseFields = {}): HTTPRespCallMessage {
  const frame = encodeHTTPRespCallReq(responseCall(fields));
  return new HTTPRespCallMessage(Frame.of(RpcType.HTTP_RESP_CALL, frame.subarray(HEADER_BYTES)));
}

/** A request call as plain data. */
export function requestCall(fields: RequestFields = {}): HTTPReqCallReq {
  const { id = 7, confToken = 1, method = "GET", path = "/", args = [], headers = [] } = fields;
  return {
    id,
    confToken,
    srcIp: fields.srcIp === undefined ? Uint8Array.of(127, 0, 0, 1) : fields.srcIp,
    method: METHODS.indexOf(method),
    path,
    args: args === null ? null : entries(args),
    headers: headers === null ? null : entries(headers),
  };
}

/** A response call as plain data. */
export function responseCall(fields: ResponseFields = {}): HTTPRespCallReq {
  const { id = 7, confToken = 1, status = 200, headers = [] } = fields;
  return { id, confToken, status, headers: headers === null ? null : entries(headers) };
}

/** Entries of a message. */
export function entries(list: readonly Pair[]): TextEntry[] {
  return list.map(([name, value]) => ({ name, value: value ?? null }));
}

/** Entries as text: `null` is an absent value. */
export function texts(list: readonly SendableEntry[]): [string, string | null][] {
  return list.map(({ name, value }) => [text(name), value === null ? null : text(value)]);
}

/** Wire text as a string. */
export function text(value: SendableText): string {
  if (typeof value === "string") return value;
  return decodeText(value instanceof Uint8Array ? value : bytesOf(value));
}

/** What a slice stands for. */
export function bytesOf({ bytes, at, length }: TextSlice): Uint8Array {
  return new Uint8Array(bytes.subarray(at, at + length));
}

/** The bytes of a string. */
export function utf8(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value);
}

/** One line that a plugin has logged. */
export interface Line {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly plugin: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** What APISIX would answer. */
export interface HostAnswers {
  /** By name; those that are not there have no value. */
  readonly variables?: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;
  readonly requestBody?: Uint8Array<ArrayBuffer>;
  readonly responseBody?: Uint8Array<ArrayBuffer>;
  readonly probeHead?: boolean;
  /** What an answer has to wait for, by the question. */
  readonly before?: (question: string) => Promise<void> | undefined;
  /** What other calls share; new stores when absent. */
  readonly shared?: Shared;
}

/** Keeps all, for ever. */
const FOR_EVER = { add: () => null, remove: () => {}, expireOldest: () => {} };

/** Lends to a chain what a runner does, and remembers what was asked, logged and warned of. */
export class FakeHost implements CallHost {
  /** Every question in order: a variable's name, or the kind of body. */
  readonly questions: string[] = [];
  readonly warnings: string[] = [];
  readonly lines: Line[] = [];
  /** The hooks that the call had to wait for. */
  readonly waits: string[] = [];
  readonly probeHead: boolean;
  readonly ask: Ask;
  readonly shared: Shared;
  ended = false;
  peerGone = false;
  /** The hooks whose time runs, each with its milliseconds. */
  readonly watched = new Map<{ expire(): void }, number>();
  readonly #controller = new AbortController();

  constructor(answers: HostAnswers = {}) {
    this.probeHead = answers.probeHead ?? true;
    this.shared = answers.shared ?? new SharedStores({ expiry: FOR_EVER });
    this.ask = (question, read) => {
      const name = question.type === "var" ? text(question.name) : question.type;
      this.questions.push(name);
      const answer = () => read(answerFrame(answerTo(question, answers)));
      return answers.before?.(name)?.then(answer) ?? Promise.resolve(answer());
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Gives the call up, as a deadline does. */
  giveUp(): void {
    this.ended = true;
    this.#controller.abort(new Error("too late"));
  }

  watch(ms: number, hook: { expire(): void }): () => void {
    this.watched.set(hook, ms);
    return () => void this.watched.delete(hook);
  }

  /** Lets the time of all watched hooks be over. */
  expire(): void {
    for (const hook of [...this.watched.keys()]) {
      this.watched.delete(hook);
      hook.expire();
    }
  }

  waitFor(plugin: string, phase: string): void {
    this.waits.push(`${plugin} ${phase}`);
  }

  log(plugin: string): Log {
    const at = (level: Line["level"]) => (message: string, fields: LogFields = {}) => {
      this.lines.push({ level, plugin, message, fields });
    };
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }

  warnOnce(message: string): void {
    this.warnings.push(message);
  }
}

/** The frame of an answer. */
export function answerFrame(answer: Uint8Array | null): Frame {
  return Frame.of(RpcType.EXTRA_INFO, encodeExtraInfoResp(answer).subarray(HEADER_BYTES));
}

function answerTo(question: ExtraInfoReq, answers: HostAnswers): Uint8Array | null {
  if (question.type === "reqBody") return answers.requestBody ?? null;
  if (question.type === "respBody") return answers.responseBody ?? null;
  const value = answers.variables?.[text(question.name)];
  return typeof value === "string" ? utf8(value) : value ?? null;
}

/** A plugin of one hook for the request phase. */
export function onRequest(
  hook: NonNullable<PluginDefinition<unknown>["onRequest"]>,
  name = "test",
): Plugin {
  return definePlugin({ name, onRequest: hook });
}

/** A plugin of one hook for the response phase. */
export function onResponse(
  hook: NonNullable<PluginDefinition<unknown>["onResponse"]>,
  name = "test",
): Plugin {
  return definePlugin({ name, onResponse: hook });
}

/** The chain of some plugins, each with `{}` as its configuration. */
export async function chainOf(...plugins: readonly Plugin[]): Promise<Chain> {
  return new Chain(await Promise.all(plugins.map((plugin) => plugin.configure({}))));
}

/** The chain of one plugin with a configuration, prepared as for a route. */
export function configured(plugin: Plugin, config: unknown): Promise<Chain> {
  return new Registry([plugin]).prepare([{ name: plugin.name, value: JSON.stringify(config) }]);
}

/** What is a Rewrite; anything else fails the test. */
export function rewriteOf({ action }: HTTPReqCallResp): Rewrite {
  if (action?.type !== "rewrite") throw new Error(`not a Rewrite: ${action?.type}`);
  return action;
}

/** What is a Stop; anything else fails the test. */
export function stopOf({ action }: HTTPReqCallResp): Stop {
  if (action?.type !== "stop") throw new Error(`not a Stop: ${action?.type}`);
  return action;
}
