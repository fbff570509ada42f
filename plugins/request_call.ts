/**
 * A call of the request phase: the request that hooks edit, and what APISIX is told of the edits.
 *
 * @module
 */

import type { HTTPReqCallMessage } from "../protocol/decode_request.ts";
import { METHODS, type Rewrite, type TextEntry } from "../protocol/messages.ts";
import { decodeText } from "../protocol/text.ts";
import { AddedHeaders } from "./added_headers.ts";
import { type BodyContent, EditableBody } from "./body.ts";
import { fetchBody } from "./body_fetch.ts";
import { type Binding, Call, type CallHost, CallStep } from "./call.ts";
import { clientAddress } from "./client_address.ts";
import type { ClientRequest, RequestContext } from "./context.ts";
import { type EditableHeaders, RequestHeaderEdits } from "./headers.ts";
import { checkedPath, PERCENT, percentDecode } from "./path.ts";
import { type Query, QueryEdits } from "./query.ts";

/** The request of one call; the parts that are never looked at are never made. */
export class RequestCall extends Call implements ClientRequest {
  readonly #message: HTTPReqCallMessage;
  /** The decoded path where the wire has it encoded. */
  #decodedPath: Uint8Array | null = null;
  #newPath: string | null = null;
  #headers: RequestHeaderEdits | null = null;
  #query: QueryEdits | null = null;
  #body: EditableBody | null = null;
  #responseHeaders: AddedHeaders | null = null;
  #successor: RequestCall | null = null;

  /**
   * @param message What APISIX sent.
   * @param host What the runner lends.
   */
  constructor(message: HTTPReqCallMessage, host: CallHost) {
    super(message.id, host);
    this.#message = message;
  }

  get method(): string {
    return METHODS[this.#message.method] ?? "";
  }

  get path(): string {
    if (this.#newPath !== null) return this.#newPath;
    return this.#decodedPath === null ? this.#message.path : decodeText(this.#decodedPath);
  }

  set path(path: string) {
    this.assertLive();
    const before = this.path;
    if (path !== before) this.#newPath = checkedPath(path, before);
  }

  get headers(): EditableHeaders {
    return this.#headers ??= new RequestHeaderEdits(this.#message.headers, this);
  }

  get query(): Query {
    return this.#query ??= new QueryEdits(this.#message.args, this);
  }

  get responseHeaders(): EditableHeaders {
    return this.#responseHeaders ??= new AddedHeaders(this, () => this.step?.plugin ?? "");
  }

  get clientIp(): string {
    return clientAddress(this.#message.srcIp);
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#content.bytes();
  }

  text(): Promise<string> {
    return this.#content.text();
  }

  json(): Promise<unknown> {
    return this.#content.json();
  }

  setBody(content: BodyContent): void {
    this.assertLive();
    this.#content.set(content);
  }

  get #content(): EditableBody {
    return this.#body ??= this.#bodyWith(null);
  }

  #bodyWith(replacement: Uint8Array<ArrayBuffer> | null): EditableBody {
    const fetch = () => this.extraInfo.requestBody();
    return new EditableBody(
      "request",
      () => fetchBody("request", this.headers.get("content-length"), fetch, this),
      replacement,
    );
  }

  override assertLive(): void {
    super.assertLive();
    this.#message.frame.assertLive();
  }

  override detach(reason: Error): void {
    super.detach(reason);
    this.#successor = this.#succeed();
  }

  /** The same call for the hooks behind the one that it was taken from; `null` as long as none. */
  get successor(): RequestCall | null {
    return this.#successor;
  }

  #succeed(): RequestCall {
    const next = new RequestCall(this.#message, this.host);
    next.takeOver(this);
    next.#decodedPath = this.#decodedPath;
    next.#newPath = this.#newPath;
    if (this.#headers !== null) {
      next.#headers = new RequestHeaderEdits(this.#message.headers, next);
      next.#headers.takeOver(this.#headers);
    }
    if (this.#query !== null) {
      next.#query = new QueryEdits(this.#message.args, next);
      next.#query.takeOver(this.#query);
    }
    if (this.#responseHeaders !== null) {
      next.#responseHeaders = new AddedHeaders(next, () => next.step?.plugin ?? "");
      next.#responseHeaders.takeOver(this.#responseHeaders);
    }
    if (this.#body !== null) next.#body = next.#bodyWith(this.#body.replacement);
    return next;
  }

  /** Headers that hooks added to the client's response, for an answer that ends the chain. */
  get addedResponseHeaders(): TextEntry[] {
    return this.#responseHeaders?.additions() ?? [];
  }

  /**
   * Whether the path may be percent-encoded, as a decoded one has a `%` only if the client sent
   * `%25`; {@linkcode resolvePath} then finds out.
   */
  get needsResolving(): boolean {
    return this.#message.pathHas(PERCENT);
  }

  /**
   * Decodes the path if an earlier plugin of APISIX has left it percent-encoded. No flag says so:
   * only the variable `upstream_uri`, which is empty unless one did (protocol.md §7.1).
   *
   * @returns Whether that was so.
   */
  async resolvePath(): Promise<boolean> {
    const upstreamUri = await this.extraInfo.variable("upstream_uri");
    if (upstreamUri === null || upstreamUri === "") return false;
    this.#decodedPath = percentDecode(this.#message.rawPath ?? new Uint8Array());
    return true;
  }

  /**
   * What APISIX is to do: only what was changed.
   *
   * @returns `null` when nothing was; a promise only where APISIX has to be asked.
   */
  outcome(): Rewrite | null | Promise<Rewrite> {
    const path = this.#newPath;
    if (path === null && this.#query?.edited) return this.#argsOnly(this.#query);
    const args = this.#query?.changes() ?? [];
    if (path !== null && args.length === 0) this.#keepQuery(args);
    const isEdited = path !== null || this.#headers?.edited || this.#responseHeaders?.edited ||
      this.#body?.replacement;
    return isEdited ? this.#rewrite(path, args) : null;
  }

  /**
   * Arguments without a path have no effect when an earlier plugin set an upstream URI: then the
   * path must be sent with them (protocol.md §8.2).
   */
  async #argsOnly(query: QueryEdits): Promise<Rewrite> {
    const path = await this.resolvePath() ? this.#decodedPath : null;
    return this.#rewrite(path, query.changes());
  }

  /**
   * Before APISIX 3.16 a path without arguments loses the query; deleting an argument that does
   * not exist keeps it, and is harmless later (protocol.md §8.2).
   */
  #keepQuery(args: TextEntry[]): void {
    const { args: base } = this.#message;
    if (base === null || base.length === 0) return;
    let name = "no-such-argument";
    while (this.query.has(name)) name += "-";
    args.push({ name, value: null });
  }

  #rewrite(path: string | Uint8Array | null, args: TextEntry[]): Rewrite {
    const headers = this.#headers?.changes() ?? [];
    const respHeaders = this.#responseHeaders?.additions() ?? [];
    const body = this.#body?.replacement ?? null;
    this.#warnOfIgnored();
    return { type: "rewrite", path, headers, args, respHeaders, body };
  }

  #warnOfIgnored(): void {
    for (const [plugin, names] of this.#responseHeaders?.ignored() ?? []) {
      this.host.warnOnce(
        `The plugin "${plugin}" sets response headers that APISIX ignores when the request goes ` +
          `on: ${names.join(", ")}. Set them in onResponse, or return a Response`,
      );
    }
  }
}

/** The context of one hook in the request phase. */
export class RequestStep<Config> extends CallStep<Config> implements RequestContext<Config> {
  readonly #call: RequestCall;

  /**
   * @param call The call.
   * @param config The step's configuration.
   * @param binding The step's plugin.
   */
  constructor(call: RequestCall, config: Config, binding: Binding) {
    super(call, config, binding);
    this.#call = call;
  }

  get request(): ClientRequest {
    return this.#call;
  }

  get responseHeaders(): EditableHeaders {
    return this.#call.responseHeaders;
  }
}
