/**
 * The body of a `Response` that a hook returns.
 *
 * @module
 */

import { MAX_BODY_BYTES } from "./body.ts";

/** Whatever can be given up. */
export interface Abortable {
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
}

/**
 * Reads a body to its end, but not further than a frame can hold, and not longer than somebody
 * waits for it.
 *
 * @param body What a `Response` has; not read from yet.
 * @param wait Whose signal ends the reading.
 * @returns The bytes.
 * @throws {RangeError} When there are more than {@linkcode MAX_BODY_BYTES}.
 * @throws {TypeError} When it gives something else than bytes.
 * @throws The signal's reason, when it aborts first.
 */
export async function readBody(
  body: ReadableStream<unknown>,
  wait: Abortable,
): Promise<Uint8Array> {
  const { signal } = wait;
  const reader = body.getReader();
  const cancel = (reason: unknown) => void reader.cancel(reason).catch(() => {});
  // To cancel ends the read that is waited for, too.
  const onAbort = () => cancel(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    signal.throwIfAborted();
    const chunks = await chunksOf(reader);
    signal.throwIfAborted();
    return joined(chunks);
  } catch (error) {
    cancel(error);
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Lets go of what a `Response` would still receive, for example of the connection that `fetch`
 * reads it from.
 *
 * @param value What a hook returned when nobody waited for it any more.
 */
export function discardBody(value: unknown): void {
  if (!(value instanceof Response) || value.bodyUsed || value.body?.locked) return;
  value.body?.cancel().catch(() => {});
}

async function chunksOf(reader: ReadableStreamDefaultReader<unknown>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return chunks;
    if (!(value instanceof Uint8Array)) {
      throw new TypeError(
        `Cannot answer with a Response whose body gives a ${typeof value}: ` +
          "its stream must give bytes",
      );
    }
    chunks.push(value);
    length += value.length;
    if (length > MAX_BODY_BYTES) {
      throw new RangeError(
        `Cannot answer with a Response of more than ${MAX_BODY_BYTES} bytes: a frame holds no ` +
          "more. Redirect the client to where it lies",
      );
    }
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
