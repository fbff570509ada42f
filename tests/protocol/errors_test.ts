import assert from "node:assert/strict";

import { ErrorCode, RpcError } from "../../protocol/errors.ts";

Deno.test("RpcError.from gives an RpcError back as it is", () => {
  const error = new RpcError(ErrorCode.CONF_TOKEN_NOT_FOUND, "no such token");
  assert.equal(RpcError.from(error), error);
});

Deno.test("RpcError.from takes whatever was thrown, and keeps it as the cause", () => {
  const unprintable = {
    toString() {
      throw new Error("no");
    },
  };
  const thrown = [
    [new TypeError("boom"), "boom"],
    [new TypeError(), "TypeError"],
    ["boom", "threw boom"],
    [null, "threw null"],
    [undefined, "threw undefined"],
    [Symbol("boom"), "threw Symbol(boom)"],
    [Object.create(null), "threw a value that cannot be shown"],
    [unprintable, "threw a value that cannot be shown"],
    ["x".repeat(1000), `threw ${"x".repeat(500)}`],
  ] as const;
  for (const [cause, message] of thrown) {
    const error = RpcError.from(cause);
    assert.equal(error.code, ErrorCode.SERVICE_UNAVAILABLE);
    assert.equal(error.message, message);
    assert.equal(error.cause, cause);
  }
});
