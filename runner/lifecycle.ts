/**
 * What ends a runner from outside, and what must not end it (protocol.md §1.2, §1.7).
 *
 * @module
 */

import { messageOf, stackOf } from "../protocol/errors.ts";
import type { Logger } from "./logger.ts";

/**
 * Calls back when the runner is to end: at SIGTERM or SIGINT, or when standard input, if it is a
 * pipe, reaches its end. That is the only sign an orphan gets that APISIX has gone.
 *
 * @param end Called with the reason; perhaps more than once.
 */
export function onEnd(end: (reason: string) => void): void {
  Deno.addSignalListener("SIGINT", () => end("SIGINT"));
  if (Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGTERM", () => end("SIGTERM"));
    // APISIX' reload sends it to nginx; with a terminal it can reach the runner too.
    Deno.addSignalListener("SIGHUP", () => {});
  }
  if (standardInputIsPipe()) untilEndOfInput().then(() => end("end of standard input"));
}

/**
 * Keeps the process alive when a plugin's promise is rejected, or its timer throws, behind the
 * back of every hook. There is no call to blame it on: it is logged.
 *
 * @param log Where it goes.
 */
export function surviveStrayErrors(log: Logger): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error(`A promise was rejected and nobody handled it: ${messageOf(event.reason)}`, {
      stack: stackOf(event.reason),
    });
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    log.error(`An error was thrown outside of any call: ${messageOf(event.error)}`, {
      stack: stackOf(event.error),
    });
  });
}

function standardInputIsPipe(): boolean {
  try {
    // Not with node:fs, which takes 30 ms to load.
    return Deno.statSync("/dev/stdin").isFifo === true;
  } catch {
    return false;
  }
}

async function untilEndOfInput(): Promise<void> {
  const ignored = new Uint8Array(1024);
  try {
    while (await Deno.stdin.read(ignored) !== null);
  } catch {
    // A broken pipe is an end too.
  }
}
