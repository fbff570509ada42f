import assert from "node:assert/strict";

import { testPlugin } from "@apisix-deno/plugin-runner/testing";

import plugin, { TokenBuckets } from "./consumer_limit.ts";

/** A request of a consumer. */
function by(consumer: string) {
  return { vars: { consumer_name: consumer } };
}

/** A clock that a test sets, in seconds. */
function buckets(rate: number, burst: number, maxKeys = 10) {
  const clock = { seconds: 100 };
  return { clock, buckets: new TokenBuckets(rate, burst, maxKeys, () => clock.seconds) };
}

Deno.test("each consumer has a limit of its own", async () => {
  const route = testPlugin(plugin, { config: { rate: 0.01, burst: 2 } });
  const first = await route.request("/", by("ann"));
  assert.equal(first.headers.get("x-ratelimit-limit"), "2");
  assert.equal(first.headers.get("x-ratelimit-remaining"), "1");
  assert.equal((await route.request("/", by("ann"))).stopped, false);
  const refused = await route.request("/", by("ann"));
  assert.equal(refused.status, 429);
  const seconds = Number(refused.headers.get("retry-after"));
  assert(seconds > 90 && seconds <= 100, `${seconds}`);
  assert.equal((await route.request("/", by("bob"))).stopped, false);
});

Deno.test("requests at the same time share the bucket", async () => {
  const route = testPlugin(plugin, { config: { rate: 0.01, burst: 3 } });
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, () => route.request("/", by("ann"))),
  );
  assert.equal(outcomes.filter(({ stopped }) => !stopped).length, 3);
});

Deno.test("without a consumer the route is closed, and the log says what to do", async () => {
  const route = testPlugin(plugin, { config: { rate: 1, burst: 1 } });
  await assert.rejects(route.request("/"), /put this plugin into ext-plugin-post-req/);
  await assert.rejects(route.request("/", by("")), /without a consumer/);
});

Deno.test("names that every object has are names like others", async () => {
  const route = testPlugin(plugin, { config: { rate: 0.01, burst: 1 } });
  for (const name of ["constructor", "__proto__"]) {
    assert.equal((await route.request("/", by(name))).stopped, false);
    assert.equal((await route.request("/", by(name))).status, 429);
  }
});

Deno.test("a bucket fills with time, and not beyond its size", () => {
  const { clock, buckets: limit } = buckets(2, 3);
  for (const left of [2, 1, 0]) assert.deepEqual(limit.take("ann"), { left });
  assert.deepEqual(limit.take("ann"), { waitSeconds: 0.5 });
  clock.seconds += 0.25;
  assert.deepEqual(limit.take("ann"), { waitSeconds: 0.25 });
  clock.seconds += 0.25;
  assert.deepEqual(limit.take("ann"), { left: 0 });
  clock.seconds += 3600;
  assert.deepEqual(limit.take("ann"), { left: 2 });
});

Deno.test("who keeps knocking gets in at the rate", () => {
  const { clock, buckets: limit } = buckets(1, 1);
  let passed = 0;
  for (let i = 0; i < 100; i++) {
    if ("left" in limit.take("ann")) passed++;
    clock.seconds += 0.125;
  }
  assert.equal(passed, 13);
});

Deno.test("the consumer that was not seen for longest is forgotten first", () => {
  const { buckets: limit } = buckets(0.001, 1, 2);
  for (const name of ["ann", "bob"]) assert.deepEqual(limit.take(name), { left: 0 });
  assert("waitSeconds" in limit.take("ann"));
  assert.deepEqual(limit.take("cy"), { left: 0 });
  assert("waitSeconds" in limit.take("ann"));
  assert.deepEqual(limit.take("bob"), { left: 0 });
});

Deno.test("limits that let nobody pass are refused", async () => {
  for (const config of [{ rate: 0, burst: 1 }, { rate: 1, burst: 0 }]) {
    await assert.rejects(testPlugin(plugin, { config }).request("/"), /Too small/);
  }
});
