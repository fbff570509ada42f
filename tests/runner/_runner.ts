/**
 * A runner without a socket: all but the connection.
 *
 * @module
 */

import assert from "node:assert/strict";

import type { Plugin } from "../../plugins/mod.ts";
import { Registry } from "../../plugins/registry.ts";
import {
  encodeHTTPReqCallReq,
  encodeHTTPRespCallReq,
  encodePrepareConfReq,
} from "../../protocol/encode_request.ts";
import { Frame, HEADER_BYTES } from "../../protocol/frame.ts";
import { ConfCache } from "../../runner/conf_cache.ts";
import { Deadlines } from "../../runner/deadlines.ts";
import { Dispatcher, type Peer } from "../../runner/dispatcher.ts";
import type { Preparation } from "../../runner/preparation.ts";
import {
  entries,
  requestCall,
  type RequestFields,
  responseCall,
  type ResponseFields,
} from "../plugins/_calls.ts";
import { TestLog } from "./_log.ts";
import { FakeTimers } from "./_timers.ts";

/** How long a call may take here, in milliseconds. */
export const CALL_TIMEOUT = 5000;

/** The frame of a request call. */
export function requestFrame(fields: RequestFields): Uint8Array {
  return encodeHTTPReqCallReq(requestCall(fields));
}

/** The frame of a response call. */
export function responseFrame(fields: ResponseFields): Uint8Array {
  return encodeHTTPRespCallReq(responseCall(fields));
}

/** The frame of a PrepareConf with names and configurations. */
export function prepareFrame(
  conf: readonly (readonly [name: string, value: string])[],
  key: string | null = "route#1#ext-plugin-pre-req#21",
): Uint8Array {
  return encodePrepareConfReq({ conf: entries(conf), key });
}

/** Some bytes as the frame that they are. */
export function asFrame(bytes: Uint8Array): Frame {
  return Frame.of(bytes[0] ?? 0, bytes.subarray(HEADER_BYTES));
}

/** Lets timers of 0 ms run, and what follows from them. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** A dispatcher and its parts, with time and log in the hand of a test. */
export class TestRunner {
  readonly timers = new FakeTimers();
  readonly deadlines = new Deadlines(CALL_TIMEOUT, this.timers);
  readonly testLog: TestLog = new TestLog();
  readonly dispatcher: Dispatcher;

  constructor(...plugins: readonly Plugin[]) {
    this.dispatcher = new Dispatcher({
      registry: new Registry(plugins),
      cache: new ConfCache<Preparation>({ expireSeconds: 3600 }),
      deadlines: this.deadlines,
      log: this.testLog.log,
      probeHead: false,
    });
  }

  /** Prepares a configuration: every name with `{}`. It is validated when this settles. */
  async prepare(...names: readonly string[]): Promise<number> {
    return await this.prepareConf(names.map((name) => [name, "{}"]));
  }

  /** Prepares a configuration; it is validated, or refused, when this settles. */
  async prepareConf(
    conf: readonly (readonly [name: string, value: string])[],
    key?: string | null,
  ): Promise<number> {
    const reply = this.dispatcher.dispatch(asFrame(prepareFrame(conf, key)), NO_PEER);
    assert(!(reply instanceof Promise) && reply.type === "prepareConf");
    await turn();
    return reply.token;
  }
}

const NO_PEER: Peer = {
  ask: () => Promise.reject(new Error("APISIX cannot be asked here")),
  pending() {},
};
