/**
 * What a hook is given: the two contexts, and the request and response in them.
 *
 * @module
 */

import type { Body, BodyContent } from "./body.ts";
import type { EditableHeaders } from "./headers.ts";
import type { Query } from "./query.ts";

/** A logger whose lines carry the plugin, the phase and the id of the call. */
export interface Log {
  /** For those who look for an error in the plugin. */
  debug(message: string, fields?: LogFields): void;
  /** What is worth knowing in ordinary operation; silent by default. */
  info(message: string, fields?: LogFields): void;
  /** What somebody should look at. */
  warn(message: string, fields?: LogFields): void;
  /** What went wrong. */
  error(message: string, fields?: LogFields): void;
}

/** Named values that go with a log line; of an `Error` its message is shown. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The names of variables, each with its value or `null`. */
export type Variables<Name extends string> = { readonly [name in Name]: string | null };

/** What the contexts of both phases have. */
export interface CallContext<Config> {
  /** The configuration, as the plugin's `config` made it when the route was prepared. */
  readonly config: Config;
  /** APISIX's debug number of the call, u32; it is not unique over time (protocol.md §7.1). */
  readonly id: number;
  /**
   * Aborts when the hook's time or the call's is over, or APISIX has gone: hand it to `fetch` and
   * the like.
   */
  readonly signal: AbortSignal;
  /** Writes to the runner's log. */
  readonly log: Log;
  /** Values that the plugins of one chain share during one call. */
  readonly state: Map<string, unknown>;
  /**
   * Values that all plugins share during one request of a client, over its phases: the same map in
   * pre-req, post-req and post-resp. To find it APISIX is asked for the variable `request_id`, once
   * a call.
   *
   * It lives in the memory of this runner for two minutes after a call last asked for it, or until
   * 10 000 other requests have used theirs.
   *
   * @returns The map, empty at first.
   * @throws {Error} When APISIX does not know a `request_id`; and in the response phase when the
   * runner is set up for APISIX 2.14 or 2.15, where to ask would fail the call.
   */
  shared(): Promise<Map<string, unknown>>;
  /**
   * An nginx or APISIX variable (protocol.md §9), for example `remote_addr`, `consumer_name` or
   * `arg_x`. Each is fetched at most once a call.
   *
   * @param name Its name, without `$`.
   * @returns The value, `""` when it is empty, `null` when there is none.
   */
  variable(name: string): Promise<string | null>;
  /**
   * Several variables at once.
   *
   * @param names Their names, without `$`.
   * @returns An object with a value or `null` for each.
   */
  variables<Name extends string>(...names: Name[]): Promise<Variables<Name>>;
}

/** The client's request on its way to the upstream; what is changed here goes there. */
export interface ClientRequest extends Body {
  /** The method in capitals. It cannot be changed (protocol.md §8.2). */
  readonly method: string;
  /**
   * The path without the query, percent-decoded. Setting it keeps the query, and APISIX encodes
   * it again.
   *
   * @throws {TypeError} When set to a path that does not start with `/` or gains a `?`.
   */
  path: string;
  /** The query arguments. */
  readonly query: Query;
  /** The request headers. */
  readonly headers: EditableHeaders;
  /** The client's address: IPv4, IPv6, or `unix:` for one that came through a unix socket. */
  readonly clientIp: string;
  /**
   * Replaces the body (APISIX 3.6 and later).
   *
   * @param content Text, bytes, or a value that is sent as JSON; not empty.
   * @throws {TypeError} When it is empty: APISIX cannot empty a body (protocol.md §8.2 step 3).
   * @throws {RangeError} When it is over 16 777 152 bytes.
   */
  setBody(content: BodyContent): void;
}

/** The upstream's response on its way to the client; what is changed here goes there. */
export interface UpstreamResponse extends Body {
  /**
   * The status.
   *
   * @throws {RangeError} When set to something that is not a whole number within 200 to 999.
   */
  status: number;
  /** The response headers. All of them are kept unless a plugin changes them. */
  readonly headers: EditableHeaders;
  /**
   * Replaces the body.
   *
   * @param content Text, bytes, or a value that is sent as JSON; not empty.
   * @throws {TypeError} When it is empty: APISIX cannot empty a body (protocol.md §10.4).
   * @throws {RangeError} When it is over 16 777 152 bytes.
   */
  setBody(content: BodyContent): void;
}

/** What `onRequest` is given: ext-plugin-pre-req and ext-plugin-post-req (protocol.md §7, §8). */
export interface RequestContext<Config = unknown> extends CallContext<Config> {
  /** The request. */
  readonly request: ClientRequest;
  /**
   * Headers to add to the client's response. They do not replace those of the upstream, and ten
   * of them, `content-type` and `location` among them, work only together with a returned
   * response (protocol.md §8.2 step 4).
   */
  readonly responseHeaders: EditableHeaders;
}

/** What `onResponse` is given: ext-plugin-post-resp (protocol.md §10). */
export interface ResponseContext<Config = unknown> extends CallContext<Config> {
  /** The upstream's response. */
  readonly response: UpstreamResponse;
  /** The request's body; its other parts are variables (`request_uri`, `http_…`, `arg_…`). */
  readonly requestBody: Body;
}
