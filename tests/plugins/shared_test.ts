import assert from "node:assert/strict";

import { stop } from "../../plugins/mod.ts";
import { SharedStores } from "../../plugins/shared.ts";
import { Deadlines } from "../../runner/deadlines.ts";
import { FakeTimers } from "../runner/_timers.ts";
import {
  chainOf,
  FakeHost,
  onRequest,
  onResponse,
  requestMessage,
  responseMessage,
  stopOf,
  text,
} from "./_calls.ts";

const LIFETIME = 1000;

/** Stores, and the clock that they live by. */
function storesOf(maxStores?: number) {
  const timers = new FakeTimers();
  const expiry = new Deadlines(LIFETIME, timers);
  const stores = new SharedStores({
    expiry,
    ...(maxStores === undefined ? {} : { maxStores }),
  });
  return { timers, stores };
}

Deno.test("stores give the same map for the same request, and another for another", () => {
  const { stores } = storesOf();
  const store = stores.of("a");
  store.set("user", "jack");
  assert.equal(stores.of("a"), store);
  assert.deepEqual([...stores.of("b")], []);
  assert.equal(stores.size, 2);
});

Deno.test("stores live until they were not used for their time", () => {
  const { timers, stores } = storesOf();
  stores.of("a").set("x", 1);
  stores.of("b").set("x", 2);
  timers.advance(LIFETIME - 1);
  assert.equal(stores.of("a").get("x"), 1);
  timers.advance(1);
  assert.equal(stores.size, 1, "b was used once, and a later");
  timers.advance(LIFETIME - 2);
  assert.equal(stores.of("a").get("x"), 1);
  timers.advance(LIFETIME);
  assert.equal(stores.size, 0);
  assert.deepEqual([...stores.of("a")], []);
});

Deno.test("stores need one timer, however many they are, and none when there are none", () => {
  const { timers, stores } = storesOf();
  for (let i = 0; i < 100; i++) stores.of(`${i}`);
  assert.equal(timers.set, 1);
  timers.advance(LIFETIME);
  assert.equal(stores.size, 0);
  assert.equal(timers.set, 0);
});

Deno.test("stores are bounded in number: those go first that were not used longest", () => {
  const { stores } = storesOf(3);
  for (const id of ["a", "b", "c"]) stores.of(id).set("id", id);
  stores.of("a");
  stores.of("d");
  assert.equal(stores.size, 3);
  // To look is to use: what is new here pushes out what is old.
  assert.equal(stores.of("a").get("id"), "a");
  assert.equal(stores.of("c").get("id"), "c");
  assert.equal(stores.of("b").get("id"), undefined);
});

Deno.test("stores are 10 000 at most where nobody says otherwise", () => {
  const { stores } = storesOf();
  for (let i = 0; i < 10_001; i++) stores.of(`${i}`);
  assert.equal(stores.size, 10_000);
});

Deno.test("stores that were replaced keep what they held, and do not see what comes", () => {
  const { timers, stores } = storesOf();
  const old = stores.of("a");
  old.set("before", 1);
  stores.replace("a");
  old.set("after", 1);
  assert.deepEqual([...stores.of("a").keys()], ["before"]);
  assert.equal(stores.size, 1);
  timers.advance(LIFETIME);
  assert.equal(stores.size, 0);
  stores.replace("a");
  assert.equal(stores.size, 0, "nothing to replace");
});

Deno.test("shared is the same in both phases and in every chain of a request", async () => {
  const { stores } = storesOf();
  const hostOf = (request_id: string) =>
    new FakeHost({ shared: stores, variables: { request_id } });
  const request = await chainOf(
    onRequest(async ({ shared, request }) => void (await shared()).set("path", request.path)),
  );
  const later = await chainOf(
    onRequest(async ({ shared }) => stop(`${(await shared()).get("path")}`)),
  );
  const response = await chainOf(
    onResponse(async ({ shared }) => stop(`${(await shared()).get("path")}`)),
  );
  // Two requests at once, each with its own.
  for (const id of ["a", "b"]) {
    await request.request(requestMessage({ path: `/${id}` }), hostOf(id));
  }
  for (const id of ["a", "b"]) {
    const stopped = stopOf(await later.request(requestMessage(), hostOf(id)));
    assert.equal(text(stopped.body ?? ""), `/${id}`);
    const { body } = await response.response(responseMessage(), hostOf(id));
    assert.equal(text(body ?? ""), `/${id}`);
  }
  assert.equal(stores.size, 2);
});

Deno.test("shared is fetched only when a plugin asks, and once a call", async () => {
  const { stores } = storesOf();
  const host = new FakeHost({ shared: stores, variables: { request_id: "a" } });
  await (await chainOf(onRequest(({ shared, state }) => void [shared, state])))
    .request(requestMessage(), host);
  assert.deepEqual(host.questions, []);
  assert.equal(stores.size, 0);

  const chain = await chainOf(
    onRequest(async ({ shared }) => assert.equal(await shared(), await shared())),
    onRequest(async ({ shared, variable }) => {
      assert.equal(await variable("request_id"), "a");
      await shared();
    }),
  );
  await chain.request(requestMessage(), host);
  assert.deepEqual(host.questions, ["request_id"]);
});

Deno.test("shared is refused where APISIX knows no request_id: nothing may leak to another", async () => {
  for (const variables of [{}, { request_id: "" }]) {
    const { stores } = storesOf();
    const host = new FakeHost({ shared: stores, variables });
    const chain = await chainOf(onRequest(async ({ shared }) => void await shared(), "needy"));
    await assert.rejects(async () => await chain.request(requestMessage(), host), {
      message: /^onRequest of the plugin "needy" failed: Cannot tell .* the variable request_id/,
    });
    assert.equal(stores.size, 0);
  }
});

Deno.test("shared asks nothing in the response phase of APISIX 2.14 and 2.15", async () => {
  const host = new FakeHost({ probeHead: false, variables: { request_id: "a" } });
  const chain = await chainOf(onResponse(async ({ shared }) => {
    await assert.rejects(shared(), /--head-probe is off/);
    // Not waited for, and no failure of the process.
    void shared();
  }));
  await chain.response(responseMessage(), host);
  assert.deepEqual(host.questions, []);

  const request = await chainOf(onRequest(async ({ shared }) => void await shared()));
  await request.request(requestMessage(), host);
  assert.deepEqual(host.questions, ["request_id"]);
});

Deno.test("shared is not handed out when the answer comes after the call", async () => {
  const { stores } = storesOf();
  const answered = Promise.withResolvers<void>();
  const host = new FakeHost({
    shared: stores,
    variables: { request_id: "a" },
    before: () => answered.promise,
  });
  const message = requestMessage();
  let late: Promise<unknown> | null = null;
  const chain = await chainOf(onRequest(({ shared }) => {
    late = shared();
  }));
  await chain.request(message, host);
  message.frame.finish();
  answered.resolve();
  await assert.rejects(async () => await late, /its call has ended/);
  assert.equal(stores.size, 0);
});
