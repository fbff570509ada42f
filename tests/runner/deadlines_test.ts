import assert from "node:assert/strict";

import fc from "fast-check";

import { Deadlines } from "../../runner/deadlines.ts";
import { FakeTimers } from "./_timers.ts";

/** A call that knows when it has expired. */
class Call {
  readonly expiredAt: number[] = [];
  readonly #timers: FakeTimers;

  constructor(timers: FakeTimers) {
    this.#timers = timers;
  }

  expire(): void {
    this.expiredAt.push(this.#timers.now());
  }
}

Deno.test("deadlines let a call expire once, when its time is over", () => {
  const timers = new FakeTimers();
  const deadlines = new Deadlines(1000, timers);
  const call = new Call(timers);
  const start = timers.now();
  deadlines.add(call);
  timers.advance(999);
  assert.deepEqual(call.expiredAt, []);
  timers.advance(1);
  assert.deepEqual(call.expiredAt, [start + 1000]);
  timers.advance(10_000);
  assert.equal(call.expiredAt.length, 1);
});

Deno.test("deadlines do not let a call expire that has ended in time", () => {
  const timers = new FakeTimers();
  const deadlines = new Deadlines(1000, timers);
  const call = new Call(timers);
  const waiting = deadlines.add(call);
  deadlines.remove(waiting);
  // To say it twice is to say it once.
  deadlines.remove(waiting);
  timers.advance(10_000);
  assert.deepEqual(call.expiredAt, []);
});

Deno.test("deadlines need one timer for any number of calls, and none for no call", () => {
  const timers = new FakeTimers();
  const deadlines = new Deadlines(1000, timers);
  assert.equal(timers.set, 0);
  for (let i = 0; i < 10; i++) {
    deadlines.add(new Call(timers));
    timers.advance(10);
    assert.equal(timers.set, 1);
  }
  timers.advance(10_000);
  assert.equal(timers.set, 0);
});

Deno.test("deadlines leave their timer alone when calls end in time", () => {
  const timers = new FakeTimers();
  const deadlines = new Deadlines(1000, timers);
  let made = 0;
  const after = timers.after.bind(timers);
  timers.after = (ms, callback) => (made++, after(ms, callback));
  for (let i = 0; i < 100; i++) {
    deadlines.remove(deadlines.add(new Call(timers)));
  }
  assert.equal(made, 1);
});

Deno.test("deadlines.close stops the timer and forgets all calls", () => {
  const timers = new FakeTimers();
  const deadlines = new Deadlines(1000, timers);
  const call = new Call(timers);
  deadlines.add(call);
  deadlines.close();
  assert.equal(timers.set, 0);
  timers.advance(10_000);
  assert.deepEqual(call.expiredAt, []);
});

Deno.test("deadlines tell what expires how long its time was", () => {
  const timers = new FakeTimers();
  const deadlines = new Deadlines(1000, timers);
  const times: number[] = [];
  for (const each of [deadlines, deadlines.lasting(200)]) {
    each.add({ expire: (ms) => void times.push(ms) });
  }
  timers.advance(1000);
  assert.deepEqual(times, [200, 1000]);
});

Deno.test("deadlines for other times share a timer for each time, and end with the first", () => {
  const timers = new FakeTimers();
  const deadlines = new Deadlines(1000, timers);
  assert.equal(deadlines.lasting(200), deadlines.lasting(200));
  assert.notEqual(deadlines.lasting(200), deadlines.lasting(300));
  const calls = [200, 200, 300].map((ms) => {
    const call = new Call(timers);
    deadlines.lasting(ms).add(call);
    return call;
  });
  assert.equal(timers.set, 2);
  const start = timers.now();
  timers.advance(250);
  assert.deepEqual(calls.map(({ expiredAt }) => expiredAt), [[start + 200], [start + 200], []]);
  deadlines.close();
  assert.equal(timers.set, 0);
  timers.advance(10_000);
  assert.deepEqual(calls[2]?.expiredAt, []);
});

Deno.test("deadlines that stand apart are nobody else's, but end with the first too", () => {
  const timers = new FakeTimers();
  const deadlines = new Deadlines(1000, timers);
  const apart = deadlines.apart(200);
  assert.notEqual(apart, deadlines.apart(200));
  assert.notEqual(apart, deadlines.lasting(200));
  apart.add(new Call(timers));
  deadlines.close();
  assert.equal(timers.set, 0);
});

Deno.test("deadlines.expireOldest lets the oldest expire before its time, once", () => {
  const timers = new FakeTimers();
  const deadlines = new Deadlines(1000, timers);
  deadlines.expireOldest();
  const start = timers.now();
  const [first, second] = [new Call(timers), new Call(timers)];
  deadlines.add(first);
  deadlines.add(second);
  deadlines.expireOldest();
  timers.advance(1000);
  assert.deepEqual(first.expiredAt, [start]);
  assert.deepEqual(second.expiredAt, [start + 1000]);
});

Deno.test("deadlines give every call its full time, and no more, whatever the others do", () => {
  // After each pause one call begins; some end in time.
  const calls = fc.array(
    fc.record({ pause: fc.nat(800), ends: fc.option(fc.nat(999)) }),
    { maxLength: 30 },
  );
  fc.assert(fc.property(calls, (plan) => {
    const timers = new FakeTimers();
    const deadlines = new Deadlines(1000, timers);
    const expected: [Call, number | null][] = [];
    for (const { pause, ends } of plan) {
      timers.advance(pause);
      const call = new Call(timers);
      const waiting = deadlines.add(call);
      if (ends !== null) timers.after(ends, () => deadlines.remove(waiting));
      expected.push([call, ends === null ? timers.now() + 1000 : null]);
    }
    timers.advance(5000);
    for (const [call, at] of expected) assert.deepEqual(call.expiredAt, at === null ? [] : [at]);
    assert.equal(timers.set, 0);
  }));
});
