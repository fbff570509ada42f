import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";

import type { Transport } from "../../runner/connection.ts";
import { Turns } from "../../runner/turns.ts";

/** So many connections that the runtime would not serve all of them in one round. */
const MANY = 200;

/** A connection that always has something to read, and counts how often it was. */
class Busy implements Transport {
  reads = 0;
  read(): Promise<number | null> {
    this.reads++;
    return Promise.resolve(1);
  }
  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(bytes.length);
  }
  close(): void {}
}

/** Some connections that take turns, and what lets the next turn begin. */
function joined(count: number) {
  const beats: PromiseWithResolvers<void>[] = [];
  const turns = new Turns(() => {
    const beat = Promise.withResolvers<void>();
    beats.push(beat);
    return beat.promise;
  });
  const busy = Array.from({ length: count }, () => new Busy());
  return { beats, busy, transports: busy.map((transport) => turns.join(transport)) };
}

const into = new Uint8Array(8);

Deno.test("turns do not hold up a few connections", async () => {
  const { beats, busy, transports } = joined(64);
  await Promise.all(transports.map((transport) => transport.read(into)));
  assert(busy.every(({ reads }) => reads === 1));
  assert.equal(beats.length, 0);
});

Deno.test("turns let many that were served at once read again only after the others", async () => {
  const { beats, busy, transports } = joined(MANY);
  const reads = transports.slice(0, 100).map((transport) => transport.read(into));
  await setImmediate();
  assert.equal(beats.length, 1);
  assert(busy.every(({ reads }) => reads === 0));
  beats[0]?.resolve();
  await Promise.all(reads);
  assert.equal(busy.filter(({ reads }) => reads === 1).length, 100);
});

Deno.test("turns do not hold up a few of many, since nobody waits for them", async () => {
  const { beats, transports } = joined(MANY);
  await Promise.all(transports.slice(0, 10).map((transport) => transport.read(into)));
  assert.equal(beats.length, 0);
});

Deno.test("turns go on when the pulse fails", async () => {
  const { beats, transports } = joined(MANY);
  const reads = transports.map((transport) => transport.read(into));
  await setImmediate();
  beats[0]?.reject(new Error("no loopback"));
  assert.deepEqual(await Promise.all(reads), transports.map(() => 1));
});

Deno.test("turns forget connections that are closed, once however often that is", async () => {
  const { beats, transports } = joined(MANY);
  for (const transport of transports.slice(0, 150)) {
    transport.close();
    transport.close();
  }
  await Promise.all(transports.slice(150).map((transport) => transport.read(into)));
  assert.equal(beats.length, 0);
});
