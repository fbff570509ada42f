/**
 * A call of the response phase: the response that hooks edit, and what APISIX is told of it.
 *
 * @module
 */

import type { HTTPRespCallMessage } from "../protocol/decode_request.ts";
import type { SendableResponse } from "../protocol/messages.ts";
import { type Body, type BodyContent, EditableBody } from "./body.ts";
import { Call, type CallHost, CallStep } from "./call.ts";
import type { ResponseContext, UpstreamResponse } from "./context.ts";
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
  readonly #body: EditableBody;
  #status = 0;
  /** Whether the upstream's body proved to be empty, without a header that says so. */
  #isEmpty = false;

  /**
   * @param message What APISIX sent.
   * @param host What the runner lends.
   */
  constructor(message: HTTPRespCallMessage, host: CallHost) {
    super(message.id, host);
    this.#message = message;
    this.#headers = new HeaderEdits(message.headers, message.frame);
    this.#body = new EditableBody("response", () => this.#fetchBody());
  }

  get status(): number {
    return this.#status === 0 ? this.#message.status : this.#status;
  }

  set status(status: number) {
    this.#message.frame.assertLive();
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
    this.#message.frame.assertLive();
    this.#body.set(content);
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

  async #fetchBody(): Promise<Uint8Array<ArrayBuffer> | null> {
    const body = await this.extraInfo.responseBody();
    this.#isEmpty = body?.length === 0 && this.#headers.get("content-length") !== "0";
    return body;
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
   * @param plugin The plugin's name.
   */
  constructor(call: ResponseCall, config: Config, plugin: string) {
    super(call, config, plugin);
    this.#call = call;
  }

  get response(): UpstreamResponse {
    return this.#call;
  }

  get requestBody(): Body {
    const { extraInfo } = this.#call;
    return new EditableBody("request", () => extraInfo.requestBody());
  }
}
