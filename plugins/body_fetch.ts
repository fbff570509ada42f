/**
 * Fetching a body that may be larger than APISIX can hand over.
 *
 * @module
 */

/** The largest body that APISIX hands over; with a larger one it fails the call (protocol.md §9). */
export const MAX_FETCHED_BYTES = 16_777_188;

/** Who asks for a body. */
export interface Asker {
  /** The step whose hook runs. */
  readonly step: { readonly plugin: string } | null;
  /** What the runner lends. */
  readonly host: { readonly peerGone: boolean; warnOnce(message: string): void };
}

/**
 * Fetches a body, unless it is known to be too large: to ask for that would cost the call, where
 * an error leaves the choice to the plugin. Where the size is not known, and APISIX closes the
 * connection instead of an answer, the log says what that may mean.
 *
 * @param kind Whose body it is.
 * @param length Its `content-length`; `null` when there is none.
 * @param fetch Asks APISIX.
 * @param asker Who is to be named.
 * @returns The body; `null` when there is none.
 * @throws {RangeError} When it is over 16 777 188 bytes.
 */
export async function fetchBody(
  kind: "request" | "response",
  length: string | null,
  fetch: () => Promise<Uint8Array<ArrayBuffer> | null>,
  asker: Asker,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (Number(length) > MAX_FETCHED_BYTES) {
    throw new RangeError(
      `Cannot read a ${kind} body of ${length} bytes: APISIX hands over ${MAX_FETCHED_BYTES} at ` +
        "most, and fails the call for more. Look at its content-length before you read it",
    );
  }
  try {
    return await fetch();
  } catch (error) {
    if (length === null && asker.host.peerGone) {
      asker.host.warnOnce(
        `APISIX closed the connection when the plugin "${asker.step?.plugin}" asked for a ` +
          `${kind} body of unknown length. Either the client went away, or the body is over ` +
          `${MAX_FETCHED_BYTES} bytes: do not read bodies that can be so large`,
      );
    }
    throw error;
  }
}
