/**
 * The one error class of the protocol: a failure that APISIX is told about in an RPC_ERROR frame.
 *
 * @module
 */

/**
 * The codes of `A6.Err.Code` (protocol.md §5).
 *
 * `BAD_REQUEST` and `SERVICE_UNAVAILABLE` make APISIX answer 503; `CONF_TOKEN_NOT_FOUND` makes it
 * prepare the configuration again and repeat the call, so that the client never notices.
 *
 * @example
 * ```ts
 * import { ErrorCode } from "./errors.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(ErrorCode.CONF_TOKEN_NOT_FOUND, 2);
 * ```
 */
export const ErrorCode = {
  BAD_REQUEST: 0,
  SERVICE_UNAVAILABLE: 1,
  CONF_TOKEN_NOT_FOUND: 2,
} as const satisfies Record<string, number>;

/** One of the numbers in {@linkcode ErrorCode}. */
export type ErrorCode = typeof ErrorCode[keyof typeof ErrorCode];

/**
 * A call that fails, with the code that APISIX gets for it.
 *
 * The frame carries no text (protocol.md §5): message and cause are for the log.
 *
 * @example
 * ```ts
 * import { ErrorCode, RpcError } from "./errors.ts";
 * import assert from "node:assert/strict";
 *
 * const error = RpcError.from(new Error("boom"));
 * assert.equal(error.code, ErrorCode.SERVICE_UNAVAILABLE);
 * assert.equal(error.message, "boom");
 * ```
 */
export class RpcError extends Error {
  override readonly name = "RpcError";

  /**
   * @param code What APISIX is told.
   * @param message What the log says.
   * @param options `cause`: the error behind this one.
   */
  constructor(readonly code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }

  /**
   * Anything that was thrown, as an `RpcError`: itself if it is one, else SERVICE_UNAVAILABLE with
   * the thrown value as the cause.
   *
   * @param thrown Whatever a `catch` received, `null` and plain values included.
   * @returns An error that has a code.
   */
  static from(thrown: unknown): RpcError {
    if (thrown instanceof RpcError) return thrown;
    return new RpcError(ErrorCode.SERVICE_UNAVAILABLE, messageOf(thrown), { cause: thrown });
  }

  /**
   * An error for bytes that are not a valid message.
   *
   * @param what What was wrong with them.
   * @returns An error with the code BAD_REQUEST.
   */
  static badRequest(what: string): RpcError {
    return new RpcError(ErrorCode.BAD_REQUEST, what);
  }
}

/**
 * What can be said of a thrown value, whatever it is.
 *
 * @param thrown An error, or anything else that a `catch` received.
 * @returns A message, never empty.
 */
export function messageOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return String(thrown.message) || thrown.name;
    return `threw ${String(thrown).slice(0, 500)}`;
  } catch {
    return "threw a value that cannot be shown";
  }
}

/**
 * Where a value was thrown, if it says so and can be asked.
 *
 * @param thrown An error, or anything else that a `catch` received.
 * @returns The stack as text, `undefined` where there is none: a getter of it may throw, too.
 */
export function stackOf(thrown: unknown): string | undefined {
  try {
    return thrown instanceof Error && thrown.stack !== undefined ? String(thrown.stack) : undefined;
  } catch {
    return undefined;
  }
}
