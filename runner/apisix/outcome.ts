/**
 * What becomes of a request: for tests of plugins.
 *
 * @module
 */

import type { RequestResult } from "./client.ts";
import type { HttpRequest } from "./http.ts";
import { ClientResponse, SentHeaders, UpstreamRequest } from "./sent_message.ts";

/** A request that went on, and what nginx knows of it. */
export interface PassedRequest {
  /** What the upstream gets. */
  readonly request: HttpRequest;
  /** Values of variables, by name. */
  readonly variables: Readonly<Record<string, string | null>>;
}

/**
 * What became of a request: a plugin answered it, or it went on to the upstream.
 *
 * `status`, `headers` and the body are those of the client's response, as far as plugins make it in
 * the request phase.
 */
export class RequestOutcome {
  /** Whether a plugin answered. */
  readonly stopped: boolean;
  /** The status that the client gets; `null` when the request went on, for the upstream says it. */
  readonly status: number | null;
  /** The headers that the client gets; when the request went on, those that plugins add. */
  readonly headers: SentHeaders;
  readonly #response: ClientResponse | null;
  readonly #upstream: UpstreamRequest | null;
  readonly #passed: PassedRequest | null;

  /** @internal */
  constructor(result: RequestResult, variables: PassedRequest["variables"]) {
    this.stopped = result.type === "stopped";
    this.#response = result.type === "stopped" ? new ClientResponse(result.response) : null;
    this.#upstream = result.type === "stopped" ? null : new UpstreamRequest(result.request);
    this.status = this.#response?.status ?? null;
    this.headers = result.type === "stopped"
      ? new SentHeaders(result.response.headers)
      : new SentHeaders(result.responseHeaders);
    this.#passed = result.type === "stopped" ? null : { request: result.request, variables };
  }

  /**
   * What the response phase goes on with; `null` when there is none.
   *
   * @internal
   */
  get passed(): PassedRequest | null {
    return this.#passed;
  }

  /**
   * What the upstream gets.
   *
   * @throws {Error} When a plugin answered: then the upstream gets nothing.
   */
  get upstream(): UpstreamRequest {
    if (this.#upstream !== null) return this.#upstream;
    throw new Error(
      `There is no request for the upstream: a plugin answered with ${this.status}` +
        bodyStart(this.#response?.text() ?? ""),
    );
  }

  /**
   * The bytes of the body that the client gets.
   *
   * @throws {Error} When the request went on; so do `text` and `json`.
   */
  get body(): Uint8Array<ArrayBuffer> {
    return this.#answer.body;
  }

  /** The body that the client gets, as text. */
  text(): string {
    return this.#answer.text();
  }

  /**
   * The body that the client gets, parsed as JSON.
   *
   * @throws {SyntaxError} When it is not JSON.
   */
  json(): unknown {
    return this.#answer.json();
  }

  get #answer(): ClientResponse {
    if (this.#response !== null) return this.#response;
    throw new Error(
      `There is no answer for the client: the request went on to the upstream, as ` +
        `${this.upstream.method} ${this.upstream.target}`,
    );
  }
}

function bodyStart(text: string): string {
  const [line = ""] = text.trim().split("\n", 1);
  if (line === "") return "";
  return `: ${line.length > 80 ? `${line.slice(0, 80)}…` : line}`;
}
