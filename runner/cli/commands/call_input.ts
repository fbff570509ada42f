/**
 * What the command line of `call` says: the request, the upstream's response, and the plugins.
 *
 * @module
 */

import { METHODS } from "../../../protocol/messages.ts";
import { messageOf } from "../../../protocol/errors.ts";
import { addressBytes } from "../../apisix/address.ts";
import type { Phase, RoutePlugin } from "../../apisix/client.ts";
import type { HttpRequest, HttpResponse, Pair } from "../../apisix/http.ts";
import { requestFrom, responseFrom } from "../../apisix/test_input.ts";
import { type Host, type Option, type Parsed, refuseWords, valueOf } from "../command.ts";
import { UsageError } from "../../errors.ts";
import { didYouMean } from "../suggestion.ts";
import { INPUT_OPTIONS, PHASES } from "./call_options.ts";
import { Source } from "./call_source.ts";

/** The largest number of calls: their times are kept. */
const MAX_COUNT = 10_000_000;

/** What is called. */
export interface CallInput {
  /** The plugins, in order; none when none is named. */
  readonly plugins: readonly RoutePlugin[];
  /** The phase; `null` when the plugins decide. */
  readonly phase: Phase | null;
  /** What the client sends. */
  readonly request: HttpRequest;
  /** What the upstream answers. */
  readonly upstream: HttpResponse;
  /** nginx variables, by name. */
  readonly variables: Readonly<Record<string, string>>;
  /** How often, at least once. */
  readonly count: number;
}

/**
 * Reads a command line.
 *
 * @param parsed What it says.
 * @param host Has standard input.
 * @throws {UsageError} When it cannot be used.
 * @throws {StartError} When a file cannot be read.
 */
export async function callInput(parsed: Parsed, host: Host): Promise<CallInput> {
  const [url = "/", ...rest] = parsed.words;
  refuseWords(rest);
  const source = new Source(host);
  const phase = phaseIn(parsed);
  return {
    phase,
    count: countIn(parsed),
    variables: Object.fromEntries(listOf(parsed, INPUT_OPTIONS.variable).map(variable)),
    plugins: await Promise.all(
      listOf(parsed, INPUT_OPTIONS.plugin).map((text) => routePlugin(text, source)),
    ),
    request: await requestIn(parsed, url, source),
    upstream: await upstreamIn(parsed, source),
  };
}

async function requestIn(parsed: Parsed, url: string, source: Source): Promise<HttpRequest> {
  const data = listOf(parsed, INPUT_OPTIONS.data);
  const json = valueOf(parsed, INPUT_OPTIONS.json.flag);
  if (data.length > 0 && json !== undefined) {
    throw new UsageError("--data and --json are given: a request has one body");
  }
  const method = valueOf(parsed, INPUT_OPTIONS.method.flag);
  if (method !== undefined && !METHODS.includes(method)) {
    throw new UsageError(
      `Cannot use --request ${JSON.stringify(method)}: APISIX calls a runner for ` +
        `${METHODS.join(", ")}${didYouMean(method, METHODS)}`,
    );
  }
  const { headers, removed } = headersIn(parsed, INPUT_OPTIONS.header);
  const clientIp = valueOf(parsed, INPUT_OPTIONS.clientIp.flag);
  const body = json === undefined ? await joined(data, source) : await source.bytes(json);
  return usable(() => {
    if (clientIp !== undefined) addressBytes(clientIp);
    const request = requestFrom(url, {
      headers: withDefaults(headers, bodyHeaders(data.length > 0, json !== undefined)),
      ...method === undefined ? {} : { method },
      ...body === null ? {} : { body },
      ...clientIp === undefined ? {} : { clientIp },
    });
    return { ...request, headers: request.headers.filter(([name]) => !removed.has(lower(name))) };
  });
}

async function upstreamIn(parsed: Parsed, source: Source): Promise<HttpResponse> {
  const { headers, removed } = headersIn(parsed, INPUT_OPTIONS.responseHeader);
  const text = valueOf(parsed, INPUT_OPTIONS.responseBody.flag);
  const body = text === undefined ? null : await source.bytes(text);
  const status = valueOf(parsed, INPUT_OPTIONS.status.flag);
  if (status !== undefined && !/^[2-9]\d\d$/.test(status)) {
    throw new UsageError(`Cannot use --status ${JSON.stringify(status)}: expected 200 to 999`);
  }
  return usable(() => {
    const response = responseFrom({
      headers,
      ...body === null ? {} : { body },
      ...status === undefined ? {} : { status: Number(status) },
    });
    return { ...response, headers: response.headers.filter(([name]) => !removed.has(lower(name))) };
  });
}

function phaseIn(parsed: Parsed): Phase | null {
  const { phase: { flag }, status, responseHeader, responseBody } = INPUT_OPTIONS;
  const text = valueOf(parsed, flag);
  const ofResponse = [status, responseHeader, responseBody]
    .find(({ flag }) => parsed.values[flag] !== undefined);
  if (text === undefined) return ofResponse === undefined ? null : "post-resp";
  const phase = PHASES.find((phase) => phase === text);
  if (phase === undefined) {
    throw new UsageError(
      `Cannot use --phase ${JSON.stringify(text)}: expected ${PHASES.join(", ")}` +
        didYouMean(text, PHASES),
    );
  }
  if (phase !== "post-resp" && ofResponse !== undefined) {
    throw new UsageError(
      `--${ofResponse.flag} is for --phase post-resp: in ${phase} there is no response yet`,
    );
  }
  return phase;
}

function countIn(parsed: Parsed): number {
  const text = valueOf(parsed, INPUT_OPTIONS.count.flag) ?? "1";
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_COUNT) return count;
  throw new UsageError(`Cannot use --count ${JSON.stringify(text)}: expected 1 to ${MAX_COUNT}`);
}

async function routePlugin(text: string, source: Source): Promise<RoutePlugin> {
  const [name, value] = splitAt(text, "=");
  if (name === "") throw new UsageError(`Cannot use --plugin ${JSON.stringify(text)}: no name`);
  const conf = value?.startsWith("@") ? await source.bytes(value) : null;
  return { name, value: conf === null ? value ?? "" : new TextDecoder().decode(conf) };
}

function variable(text: string): [name: string, value: string] {
  const [name, value] = splitAt(text, "=");
  if (name !== "" && value !== null) return [name, value];
  throw new UsageError(`Cannot use --var ${JSON.stringify(text)}: expected NAME=VALUE`);
}

/** Headers as curl takes them: `NAME: VALUE`, `NAME;` for an empty one, `NAME:` for none at all. */
function headersIn(
  parsed: Parsed,
  option: Option,
): { readonly headers: Pair[]; readonly removed: ReadonlySet<string> } {
  const headers: Pair[] = [];
  const removed = new Set<string>();
  for (const line of listOf(parsed, option)) {
    const [name, value] = splitAt(line, ":");
    if (value !== null && value.trim() !== "") headers.push([name.trim(), value.trim()]);
    else if (value !== null) removed.add(lower(name.trim()));
    else if (line.endsWith(";")) headers.push([line.slice(0, -1), ""]);
    else {
      throw new UsageError(
        `Cannot use --${option.flag} ${JSON.stringify(line)}: expected 'NAME: VALUE'`,
      );
    }
  }
  return { headers, removed };
}

function bodyHeaders(isForm: boolean, isJson: boolean): Pair[] {
  if (isForm) return [["content-type", "application/x-www-form-urlencoded"]];
  return isJson ? [["content-type", "application/json"], ["accept", "application/json"]] : [];
}

function withDefaults(headers: readonly Pair[], defaults: readonly Pair[]): Pair[] {
  const given = new Set(headers.map(([name]) => lower(name)));
  return [...headers, ...defaults.filter(([name]) => !given.has(name))];
}

async function joined(
  texts: readonly string[],
  source: Source,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (texts.length === 0) return null;
  const parts = await Promise.all(texts.map((text) => source.bytes(text)));
  return await new Blob(parts.flatMap((part, i) => i === 0 ? [part] : ["&", part])).bytes();
}

function listOf({ values }: Parsed, { flag }: Option): readonly string[] {
  return values[flag] ?? [];
}

function splitAt(text: string, separator: string): [before: string, behind: string | null] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + separator.length)];
}

function lower(name: string): string {
  return name.toLowerCase();
}

/** What cannot be sent is wrong on the command line. */
function usable<Value>(make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
}
