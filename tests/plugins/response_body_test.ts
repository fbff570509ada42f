import assert from "node:assert/strict";

import { MAX_BODY_BYTES } from "../../plugins/body.ts";
import { discardBody, readBody } from "../../plugins/response_body.ts";
import { utf8 } from "./_calls.ts";

/** A stream whose chunks come when they are asked for, and that knows why it was given up. */
class Source {
  cancelled: unknown = null;
  given = 0;
  readonly stream: ReadableStream<unknown>;

  constructor(chunks: () => Iterable<unknown>) {
    const iterator = chunks()[Symbol.iterator]();
    this.stream = new ReadableStream({
      pull: (controller) => {
        const { done, value } = iterator.next();
        if (done === true) return controller.close();
        this.given++;
        controller.enqueue(value);
      },
      cancel: (reason) => {
        this.cancelled = reason;
      },
    }, { highWaterMark: 0 });
  }
}

function* repeated(chunk: Uint8Array, times: number): Iterable<Uint8Array> {
  for (let i = 0; i < times; i++) yield chunk;
}

Deno.test("readBody joins the chunks of a stream", async () => {
  const { stream } = new Source(() => [utf8("one "), utf8(""), utf8("two")]);
  assert.deepEqual(await readBody(stream, new AbortController()), utf8("one two"));
  const empty = new Source(() => []);
  assert.deepEqual(await readBody(empty.stream, new AbortController()), new Uint8Array());
});

Deno.test("readBody takes what a frame holds, and stops reading behind it", async () => {
  const chunk = new Uint8Array(MAX_BODY_BYTES / 16);
  const full = new Source(() => repeated(chunk, 16));
  assert.equal((await readBody(full.stream, new AbortController())).length, MAX_BODY_BYTES);

  const endless = new Source(() => repeated(chunk, Infinity));
  await assert.rejects(readBody(endless.stream, new AbortController()), {
    name: "RangeError",
    message: /more than 16777152 bytes.*Redirect/,
  });
  assert.equal(endless.given, 17);
  assert(endless.cancelled instanceof RangeError);
});

Deno.test("readBody ends when nobody waits any more", async () => {
  const wait = new AbortController();
  let cancelled: unknown = null;
  const silent = new ReadableStream({
    cancel(reason) {
      cancelled = reason;
      // A source that does not even end when it is told to.
      return new Promise(() => {});
    },
  });
  const reading = readBody(silent, wait);
  const reason = new Error("given up");
  wait.abort(reason);
  await assert.rejects(reading, reason);
  assert.equal(cancelled, reason);
});

Deno.test("readBody does not begin when nobody waits", async () => {
  const wait = new AbortController();
  wait.abort(new Error("given up"));
  const source = new Source(() => repeated(utf8("x"), Infinity));
  await assert.rejects(readBody(source.stream, wait), { message: "given up" });
  assert.equal(source.given, 0);
  assert(source.cancelled instanceof Error);
});

Deno.test("readBody refuses a stream of something else than bytes", async () => {
  const source = new Source(() => ["text"]);
  await assert.rejects(readBody(source.stream, new AbortController()), {
    name: "TypeError",
    message: /gives a string: its stream must give bytes/,
  });
  assert(source.cancelled instanceof TypeError);
});

Deno.test("readBody fails as its stream does", async () => {
  const broken = new ReadableStream({
    pull() {
      throw new Error("reset by peer");
    },
  });
  await assert.rejects(readBody(broken, new AbortController()), { message: "reset by peer" });
});

Deno.test("discardBody lets go of a body that nobody has begun to read", () => {
  const cancelled: string[] = [];
  const response = (name: string) =>
    new Response(new ReadableStream({ cancel: () => void cancelled.push(name) }));
  const locked = response("locked");
  locked.body?.getReader();
  for (const value of [undefined, null, "text", {}, new Response(null), locked]) discardBody(value);
  discardBody(response("free"));
  assert.deepEqual(cancelled, ["free"]);
});
