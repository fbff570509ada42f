/**
 * What calls come to.
 *
 * @module
 */

import type { Phase } from "../../apisix/client.ts";
import type { HttpRequest, HttpResponse, Pair } from "../../apisix/http.ts";
import type { LogLine } from "../../apisix/log_book.ts";

/** What one call came to. */
export type CallOutcome =
  /** A plugin answered the request. */
  | {
    readonly type: "stopped";
    readonly response: HttpResponse;
    /** The plugin; `null` when it is not known. */
    readonly answeredBy: string | null;
  }
  /** The request went on. */
  | {
    readonly type: "passed";
    /** What the upstream gets. */
    readonly request: HttpRequest;
    /** What the client's response will have besides the upstream's headers. */
    readonly responseHeaders: readonly Pair[];
  }
  /** The response phase ended. */
  | {
    readonly type: "responded";
    readonly response: HttpResponse;
    /** The plugin that replaced the response; `null` when none did, or it is not known. */
    readonly answeredBy: string | null;
  }
  /** APISIX answers 503. */
  | {
    readonly type: "failed";
    /** Why. */
    readonly message: string;
    /** Where the plugin failed, as JavaScript shows it; `null` when nobody knows. */
    readonly stack: string | null;
  };

/** Calls that came to the same. */
export interface CallGroup {
  /** How many they were. */
  readonly count: number;
  /** What the first of them came to. */
  readonly outcome: CallOutcome;
  /** What was logged during the first of them. */
  readonly logs: readonly LogLine[];
}

/** What was called, and what came of it. */
export interface CallResult {
  /** The phase. */
  readonly phase: Phase;
  /** The names of the plugins, in order. */
  readonly plugins: readonly string[];
  /** What the client sent. */
  readonly request: HttpRequest;
  /** What the upstream answered; of interest in the response phase only. */
  readonly upstream: HttpResponse;
  /** The calls; those that came to the same are one group. */
  readonly groups: readonly CallGroup[];
  /** How often was called. */
  readonly calls: number;
  /** How long the calls took that were made, in milliseconds, in no order. */
  readonly times: readonly number[];
}

/**
 * What tells outcomes apart: two of the same kind need not be shown both.
 *
 * @param outcome The outcome.
 */
export function kindOf(outcome: CallOutcome): string {
  switch (outcome.type) {
    case "stopped":
    case "responded":
      return `${outcome.type} ${outcome.response.status} ${outcome.answeredBy}`;
    case "passed":
      return outcome.type;
    case "failed":
      return `${outcome.type} ${outcome.message}`;
  }
}
