import assert from "node:assert/strict";

import { ExtraInfo } from "../../plugins/extra_info.ts";
import { FakeHost, utf8 } from "./_calls.ts";

Deno.test("extraInfo.variable tells absent, empty and given values apart", async () => {
  const info = new ExtraInfo(new FakeHost({ variables: { host: "hört", empty: "" } }).ask);
  assert.equal(await info.variable("host"), "hört");
  assert.equal(await info.variable("empty"), "");
  assert.equal(await info.variable("absent"), null);
});

Deno.test("extraInfo.variable shows what is not UTF-8 as U+FFFD", async () => {
  const info = new ExtraInfo(new FakeHost({ variables: { raw: Uint8Array.of(0x61, 0xff) } }).ask);
  assert.equal(await info.variable("raw"), "a\ufffd");
});

Deno.test("extraInfo asks each question once, also when it is asked at the same time", async () => {
  const host = new FakeHost({
    variables: { host: "h" },
    requestBody: utf8("sent"),
    responseBody: utf8("answered"),
  });
  const info = new ExtraInfo(host.ask);
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await Promise.all([info.variable("host"), info.variable("host")]), ["h", "h"]);
    await Promise.all([info.variable("absent"), info.variable("absent")]);
    await Promise.all([info.requestBody(), info.requestBody()]);
    // APISIX would give it only once (protocol.md §9).
    assert.deepEqual(await Promise.all([info.responseBody(), info.responseBody()]), [
      utf8("answered"),
      utf8("answered"),
    ]);
  }
  assert.deepEqual(host.questions, ["host", "absent", "reqBody", "respBody"]);
});

Deno.test("extraInfo takes a name for a name, whatever objects are made of", async () => {
  const info = new ExtraInfo(new FakeHost().ask);
  assert.equal(await info.variable("__proto__"), null);
  assert.equal(await info.variable("constructor"), null);
});

Deno.test("extraInfo gives a failure to everyone who asked", async () => {
  const info = new ExtraInfo(() => Promise.reject(new Error("gone")));
  await assert.rejects(info.variable("host"), /gone/);
  await assert.rejects(info.variable("host"), /gone/);
  await assert.rejects(info.requestBody(), /gone/);
});
