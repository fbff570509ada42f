import assert from "node:assert/strict";

import fc from "fast-check";

import { ConfCache } from "../../runner/conf_cache.ts";

/** A cache of an hour's tokens, with its clock, and random numbers in a given order. */
function cacheWith(...randoms: number[]): { cache: ConfCache<string>; clock: { now: number } } {
  const clock = { now: 5000 };
  const cache = new ConfCache<string>({
    expireSeconds: 3600,
    now: () => clock.now,
    ...(randoms.length === 0 ? {} : { random: () => randoms.shift() ?? assert.fail("no more") }),
  });
  return { cache, clock };
}

const LIFETIME = 7_200_000;

Deno.test("cache.prepare gives the same key the same token, and makes its value once", () => {
  const { cache } = cacheWith();
  const { token, value } = cache.prepare("route#1", () => "one");
  assert.equal(value, "one");
  const again = cache.prepare("route#1", () => assert.fail("made again"));
  assert.equal(again.token, token);
  assert.equal(again.value, "one");
  assert.notEqual(cache.prepare("route#2", () => "two").token, token);
  assert.equal(cache.size, 2);
});

Deno.test("cache.get finds what was prepared, and nothing else", () => {
  const { cache } = cacheWith(4_294_967_295, 1);
  assert.equal(cache.prepare("route#1", () => "one").token, 4_294_967_295);
  assert.equal(cache.prepare("route#2", () => "two").token, 1);
  assert.equal(cache.get(4_294_967_295), "one");
  assert.equal(cache.get(1), "two");
  assert.equal(cache.get(2), undefined);
  assert.equal(cache.get(0), undefined);
});

Deno.test("cache.prepare never gives the token 0, which on the wire is none", () => {
  const { cache } = cacheWith(0, 0, 5);
  assert.equal(cache.prepare("route#1", () => "one").token, 5);
});

Deno.test("cache.prepare never gives a token that another configuration has", () => {
  const { cache } = cacheWith(5, 5, 0, 5, 6);
  assert.equal(cache.prepare("route#1", () => "one").token, 5);
  assert.equal(cache.prepare("route#2", () => "two").token, 6);
  assert.equal(cache.get(5), "one");
});

Deno.test("cache.prepare gives tokens that nobody can guess, in the whole range of u32", () => {
  const cache = new ConfCache<number>({ expireSeconds: 3600 });
  const tokens = Array.from({ length: 100 }, (_, i) => cache.prepare(`${i}`, () => i).token);
  for (const token of tokens) {
    assert(Number.isInteger(token) && token > 0 && token <= 0xffff_ffff);
  }
  assert.equal(new Set(tokens).size, 100);
  // That none of them is above half of the range has a chance of 1 in 2^100.
  assert(tokens.some((token) => token > 0x7fff_ffff));
});

Deno.test("cache.prepare keeps nothing when the value cannot be made", () => {
  const { cache } = cacheWith();
  assert.throws(() =>
    cache.prepare("route#1", () => {
      throw new Error("no");
    }), /no/);
  assert.equal(cache.size, 0);
  assert.equal(cache.prepare("route#1", () => "one").value, "one");
});

Deno.test("cache.sweep keeps a token for as long as a worker may use it", () => {
  // A worker can use a token 3240 + 3600 s after its PrepareConf (protocol.md §6.3).
  const { cache, clock } = cacheWith();
  const { token } = cache.prepare("route#1", () => "one");
  clock.now += 6_840_000;
  cache.sweep();
  assert.equal(cache.get(token), "one");
});

Deno.test("cache.sweep frees what was not used for twice the expire time", () => {
  const { cache, clock } = cacheWith();
  const { token } = cache.prepare("route#1", () => "one");
  clock.now += LIFETIME + 2 * cache.sweepEvery;
  cache.sweep();
  assert.equal(cache.size, 0);
  assert.equal(cache.get(token), undefined);
  assert.notEqual(cache.prepare("route#1", () => "again").token, token);
});

Deno.test("cache.get and cache.prepare make a configuration live on", () => {
  const { cache, clock } = cacheWith();
  const one = cache.prepare("route#1", () => "one").token;
  const two = cache.prepare("route#2", () => "two").token;
  const three = cache.prepare("route#3", () => "three").token;
  for (let i = 0; i < 40; i++) {
    clock.now += LIFETIME / 16;
    cache.sweep();
    assert.equal(cache.get(one), "one");
    assert.equal(cache.prepare("route#2", () => assert.fail("made again")).token, two);
  }
  assert.equal(cache.get(three), undefined);
  assert.equal(cache.size, 2);
});

Deno.test("cache lets go of what it frees", () => {
  const { cache, clock } = cacheWith();
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 100; i++) cache.prepare(`route#${round}#${i}`, () => "x");
    clock.now += 2 * LIFETIME;
    cache.sweep();
  }
  assert.equal(cache.size, 0);
});

Deno.test("cache.values gives what is held, and what comes while one looks", () => {
  const { cache } = cacheWith();
  cache.prepare("route#1", () => "one");
  cache.prepare("route#2", () => "two");
  const seen: string[] = [];
  for (const value of cache.values()) {
    seen.push(value);
    cache.prepare("route#3", () => "three");
  }
  assert.deepEqual(seen, ["one", "two", "three"]);
});

/** What happens to a cache: a use of one of few keys, or time that passes in steps of a sweep. */
type Event = readonly ["prepare" | "get", key: number] | readonly ["sweep", times: number];

const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom("prepare", "get"), fc.nat(3)),
    fc.tuple(fc.constant("sweep"), fc.integer({ min: 1, max: 40 })),
  ),
  { maxLength: 40 },
);

Deno.test("cache keeps what is in use and frees the rest, whatever happens to it", () => {
  fc.assert(fc.property(events, fc.infiniteStream(fc.nat(5)), (events, randoms) => {
    let now = 0;
    const cache = new ConfCache<number>({
      expireSeconds: 3600,
      now: () => now,
      // Few numbers, so that they collide.
      random: () => randoms.next().value ?? 0,
    });
    const model = new Map<number, { token: number; usedAt: number }>();
    for (const [what, which] of events) {
      if (what === "sweep") {
        for (let i = 0; i < which; i++) {
          now += cache.sweepEvery;
          cache.sweep();
        }
        continue;
      }
      const known = model.get(which);
      const age = known === undefined ? Infinity : now - known.usedAt;
      if (what === "get") {
        if (known === undefined) continue;
        const value = cache.get(known.token);
        if (age <= LIFETIME) assert.equal(value, which);
        if (value === which) known.usedAt = now;
        // Freed at the second sweep behind the end of its life at the latest.
        else assert(age > LIFETIME);
        if (age > LIFETIME + 2 * cache.sweepEvery) assert.notEqual(value, which);
      } else {
        const { token, value } = cache.prepare(`${which}`, () => which);
        assert.equal(value, which);
        assert(token > 0);
        if (age <= LIFETIME) assert.equal(token, known?.token);
        for (const [other, { token: taken, usedAt }] of model) {
          if (other !== which && now - usedAt <= LIFETIME) assert.notEqual(token, taken);
        }
        model.set(which, { token, usedAt: now });
      }
    }
    now += 2 * LIFETIME;
    cache.sweep();
    assert.equal(cache.size, 0);
  }));
});
