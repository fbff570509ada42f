/**
 * A call of the response phase: the response that hooks edit, and what APISIX is told of it.
 *
 * @module
 */

import type { HTTPRespCallMessage } from "../protocol/decode_request.ts";
import type { SendableResponse } from "../protocol/messages.ts";
import { type Body, type BodyContent, EditableBody } from "./body.ts";
import { fetchBody, MAX_FETCHED_BYTES } from "./body_fetch.ts";
import { type Binding, Call, type CallHost, CallStep } from "./call.ts";
import type { ResponseContext, UpstreamResponse } from "./context.ts";
import { handled } from "./extra_info.ts";
import { type EditableHeaders, HeaderEdits } from "./headers.ts";
import type { StopReply } from "./stop.ts";

/** Statuses whose responses have no body. */
const BODILESS = new Set([204, 304]);

/**
 * What stands for an empty body: APISIX takes an empty one for "unchanged", and sends the upstream
 * a second request when neither side has one (protocol.md §10.4).
 */
const DUMMY_BODY = new Uint8Array([0x0a]);

/**
 * What stands for an empty list of headers, for which APISIX would copy the upstream's: the type
 * that the client would get anyway (protocol.md §10.4).
 */
const DUMMY_HEADERS = [{ name: "content-type", value: "text/plain; charset=utf-8" }];

/** The response of one call; the parts that are never looked at are never made. */
export class ResponseCall extends Call implements UpstreamResponse {
  readonly #message: HTTPRespCallMessage;
  readonly #headers: HeaderEdits;
  #body: EditableBody;
  #status = 0;
  /** Whether the upstream's body proved to be empty, without a header that says so. */
  #isEmpty = false;
  /** The upstream's body on its way; an answer must wait for it, to know whether it is empty. */
  #fetching: Promise<unknown> | null = null;
  #successor: ResponseCall | null = null;

  /**
   * @param message What APISIX sent.
   * @param host What the runner lends.
   */
  constructor(message: HTTPRespCallMessage, host: CallHost) {
    super(message.id, host);
    this.#message = message;
    this.#headers = new HeaderEdits(message.headers, this);
    this.#body = this.#bodyWith(null);
  }

  get status(): number {
    return this.#status === 0 ? this.#message.status : this.#status;
  }

  set status(status: number) {
    this.assertLive();
    if (!Number.isInteger(status) || status < 200 || status > 999) {
      throw new RangeError(`Cannot set the status ${status}: it must be within 200 to 999`);
    }
    this.#status = status;
  }

  get headers(): EditableHeaders {
    return this.#headers;
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#body.bytes();
  }

  text(): Promise<string> {
    return this.#body.text();
  }

  json(): Promise<unknown> {
    return this.#body.json();
  }

  setBody(content: BodyContent): void {
    this.assertLive();
    this.#body.set(content);
  }

  /** APISIX before 3.0 fails a response call in which anything is asked. */
  override get shared(): Promise<Map<string, unknown>> {
    if (this.host.probeHead) return super.shared;
    return handled(Promise.reject(
      new Error(
        "Cannot tell what the phases share: to ask APISIX 2.14 and 2.15 for the request_id would " +
          "fail the response call, and --head-probe is off, as they need it. Turn it on for " +
          "APISIX 3.0 and later",
      ),
    ));
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
  get successor(): ResponseCall | null {
    return this.#successor;
  }

  /**
   * What APISIX is to send: always with the complete list of headers. Were it left out, APISIX
   * would drop ten of the upstream's, `content-type` among them (protocol.md §10.4).
   *
   * @returns The reply, as a promise only where APISIX has to be asked.
   */
  outcome(): SendableResponse | Promise<SendableResponse> {
    const body = this.#body.replacement;
    if (body !== null) return this.#reply(body, false);
    if (this.#fetching !== null) return this.#fetching.then(() => this.outcome());
    if (BODILESS.has(this.#message.status) || this.#isEmpty) return this.#bodiless();
    if (!this.host.probeHead || this.#headers.get("content-length") === "0") {
      return this.#reply(null, true);
    }
    return this.#unlessHead();
  }

  /**
   * The answer that a hook returned in place of the upstream's.
   *
   * @param stop Status, headers and body.
   */
  replaced(stop: StopReply): SendableResponse {
    return {
      id: this.id,
      status: stop.status,
      headers: stop.headers.length > 0 ? stop.headers : DUMMY_HEADERS,
      body: stop.body ?? DUMMY_BODY,
    };
  }

  #succeed(): ResponseCall {
    const next = new ResponseCall(this.#message, this.host);
    next.takeOver(this);
    next.#status = this.#status;
    next.#headers.takeOver(this.#headers);
    next.#body = next.#bodyWith(this.#body.replacement);
    next.#isEmpty = this.#isEmpty;
    if (this.#fetching !== null) handled(next.#fetchBody());
    return next;
  }

  #bodyWith(replacement: Uint8Array<ArrayBuffer> | null): EditableBody {
    return new EditableBody("response", () => this.#fetchBody(), replacement);
  }

  #fetchBody(): Promise<Uint8Array<ArrayBuffer> | null> {
    const body = this.#bodyOfUpstream();
    const settled = () => {
      this.#fetching = null;
    };
    this.#fetching = body.then(settled, settled);
    return body;
  }

  async #bodyOfUpstream(): Promise<Uint8Array<ArrayBuffer> | null> {
    const length = this.#headers.get("content-length");
    const hasNone = Number(length) > MAX_FETCHED_BYTES && await this.#isWithoutBody();
    const fetch = () => this.extraInfo.responseBody();
    const body = await fetchBody("response", hasNone ? "0" : length, fetch, this);
    this.#isEmpty = body?.length === 0 && length !== "0";
    return body;
  }

  /** Whether there is no body, whatever the length is that the headers say. */
  async #isWithoutBody(): Promise<boolean> {
    return BODILESS.has(this.#message.status) ||
      this.host.probeHead && await this.extraInfo.variable("request_method") === "HEAD";
  }

  async #unlessHead(): Promise<SendableResponse> {
    const method = await this.extraInfo.variable("request_method");
    return method === "HEAD" ? this.#reply(DUMMY_BODY, true) : this.#reply(null, true);
  }

  #bodiless(): SendableResponse {
    return this.#reply(DUMMY_BODY, this.status === 304);
  }

  #reply(body: Uint8Array | null, keepLength: boolean): SendableResponse {
    const headers = this.#headers.list(keepLength && this.status !== 204);
    return {
      id: this.id,
      status: this.#status,
      headers: headers.length === 0 && this.#headers.edited ? DUMMY_HEADERS : headers,
      body,
    };
  }
}

/** The context of one hook in the response phase. */
export class ResponseStep<Config> extends CallStep<Config> implements ResponseContext<Config> {
  readonly #call: ResponseCall;

  /**
   * @param call The call.
   * @param config The step's configuration.
   * @param binding The step's plugin.
   */
  constructor(call: ResponseCall, config: Config, binding: Binding) {
    super(call, config, binding);
    this.#call = call;
  }

  get response(): UpstreamResponse {
    return this.#call;
  }

  get requestBody(): Body {
    const call = this.#call;
    const fetch = () => call.extraInfo.requestBody();
    return new EditableBody("request", () => fetchBody("request", null, fetch, call));
  }
}
