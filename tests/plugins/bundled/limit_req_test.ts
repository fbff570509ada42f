import assert from "node:assert/strict";

import fc from "fast-check";

import { PluginError } from "../../../plugins/chain.ts";
import { Bucket, limitReq } from "../../../plugins/bundled/limit_req.ts";
import { configured, FakeHost, requestMessage, stopOf } from "../_calls.ts";

Deno.test("bucket lets requests through at its rate", () => {
  let now = 1000;
  const bucket = new Bucket(2, 0, () => now);
  assert.equal(bucket.take(), 0);
  assert.equal(bucket.take(), null);
  now += 499;
  assert.equal(bucket.take(), null);
  now += 1;
  assert.equal(bucket.take(), 0);
});

Deno.test("bucket saves nothing up while nobody comes", () => {
  let now = 0;
  const bucket = new Bucket(2, 0, () => now);
  now += 60_000;
  assert.equal(bucket.take(), 0);
  assert.equal(bucket.take(), null);
});

Deno.test("bucket lets a burst wait, each for its turn", () => {
  let now = 1000;
  const bucket = new Bucket(10, 2, () => now);
  assert.deepEqual(Array.from({ length: 4 }, () => bucket.take()), [0, 100, 200, null]);
  now += 100;
  assert.equal(bucket.take(), 200);
  assert.equal(bucket.take(), null);
});

Deno.test("bucket takes one request and its burst at any moment, whatever the rounding", () => {
  const rate = fc.double({ min: 0.01, max: 100_000, noNaN: true });
  const time = fc.double({ min: 0, max: 1e9, noNaN: true });
  fc.assert(fc.property(rate, fc.nat(50), time, (rate, burst, time) => {
    const bucket = new Bucket(rate, burst, () => time);
    for (let i = 0; i <= burst; i++) assert.notEqual(bucket.take(), null, `request ${i}`);
    assert.equal(bucket.take(), null);
  }));
});

Deno.test("bucket never lets more through than its rate and its burst allow", () => {
  const pauses = fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(5), pauses, (rate, burst, pauses) => {
      let now = 0;
      const bucket = new Bucket(rate, burst, () => now);
      const through: number[] = [];
      for (const pause of pauses) {
        now += pause;
        const wait = bucket.take();
        if (wait !== null) through.push(now + wait);
      }
      for (const [i, time] of through.entries()) {
        const before = through[i - 1];
        assert(before === undefined || time - before >= 1000 / rate - 1e-6);
      }
    }),
  );
});

Deno.test("limit-req answers 503 when too many requests wait", async () => {
  const chain = await configured(limitReq, { rate: 0.001 });
  const first = await chain.request(requestMessage(), new FakeHost());
  assert.equal(first.action, null);
  const second = await chain.request(requestMessage(), new FakeHost());
  assert.equal(stopOf(second).status, 503);
});

Deno.test("limit-req delays a request of the burst", async () => {
  const chain = await configured(limitReq, { rate: 1000, burst: 1000 });
  const replies = Array.from({ length: 3 }, () => chain.request(requestMessage(), new FakeHost()));
  assert(replies.some((reply) => reply instanceof Promise));
  for (const reply of replies) assert.equal((await reply).action, null);
});

Deno.test("limit-req waits no longer than its call lasts", async () => {
  const chain = await configured(limitReq, { rate: 0.05, burst: 1 });
  await chain.request(requestMessage(), new FakeHost());
  const host = new FakeHost();
  const waiting = chain.request(requestMessage(), host);
  host.giveUp();
  await assert.rejects(async () => await waiting, PluginError);
});

Deno.test("limit-req counts for each route by itself", async () => {
  const [one, other] = [
    await configured(limitReq, { rate: 0.001 }),
    await configured(limitReq, { rate: 0.001 }),
  ];
  assert.equal((await one.request(requestMessage(), new FakeHost())).action, null);
  assert.equal((await other.request(requestMessage(), new FakeHost())).action, null);
});

Deno.test("limit-req needs a rate", async () => {
  for (const config of [{}, { rate: 0 }, { rate: -1 }, { rate: "5" }]) {
    await assert.rejects(configured(limitReq, config), { name: "ConfigError", message: /rate: / });
  }
  await assert.rejects(configured(limitReq, { rate: 1, burst: -1 }), { message: /burst: / });
});
