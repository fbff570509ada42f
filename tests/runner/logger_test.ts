import assert from "node:assert/strict";

import fc from "fast-check";

import type { LogFields } from "../../plugins/context.ts";
import { Logger, type LogLevel } from "../../runner/logger.ts";

/** What APISIX reads in one go (protocol.md §1.3). */
const PIECE_BYTES = 3800;

/** A log and its lines as they were written. */
function logTo(format: "text" | "json", level: LogLevel = "debug"): [Logger, string[]] {
  const lines: string[] = [];
  return [Logger.create({ level, format, write: (line) => lines.push(line) }), lines];
}

/** A line without its time. */
function untimed(line: string | undefined): string {
  const [, rest] = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (.*)$/s.exec(line ?? "") ?? [];
  assert(rest !== undefined, `no time: ${line}`);
  return rest;
}

function parsed(line: string | undefined): Record<string, unknown> {
  return JSON.parse(line ?? "");
}

function isOneLine(line: string): boolean {
  return line.endsWith("\n") && line.indexOf("\n") === line.length - 1;
}

Deno.test("log writes a line of text with time, level, message and fields", () => {
  const [log, lines] = logTo("text");
  log.error("Cannot go on", { id: 5, path: "/a", slow: true, none: null });
  assert.equal(untimed(lines[0]), "ERROR Cannot go on id=5 path=/a slow=true none=null\n");
});

Deno.test("log quotes a value that could be taken for more than one", () => {
  const [log, lines] = logTo("text");
  log.info("x", { a: "b c", d: "", e: 'say "hi"', f: "g=h", i: "ü" });
  assert.equal(
    untimed(lines[0]),
    'INFO x a="b c" d="" e="say \\"hi\\"" f="g=h" i="ü"\n',
  );
});

Deno.test("log writes one JSON object a line", () => {
  const [log, lines] = logTo("json");
  log.warn('say "hi"', { id: 5, slow: true, none: null, path: "/ü" });
  const { time, ...rest } = parsed(lines[0]);
  assert.equal(new Date(String(time)).toISOString(), time);
  assert.deepEqual(rest, {
    level: "warn",
    message: 'say "hi"',
    id: 5,
    slow: true,
    none: null,
    path: "/ü",
  });
});

Deno.test("log leaves out fields that are undefined", () => {
  const [text, textLines] = logTo("text");
  text.info("x", { a: undefined, b: 1 });
  assert.equal(untimed(textLines[0]), "INFO x b=1\n");
  const [json, jsonLines] = logTo("json");
  json.info("x", { a: undefined });
  assert.deepEqual(Object.keys(parsed(jsonLines[0])), ["time", "level", "message"]);
});

Deno.test("log writes its level and those above", () => {
  const levels = ["debug", "info", "warn", "error"] as const;
  for (const [i, level] of levels.entries()) {
    const [log, lines] = logTo("json", level);
    for (const each of levels) log[each]("x");
    assert.deepEqual(lines.map((line) => parsed(line).level), levels.slice(i));
    assert.deepEqual(levels.filter((each) => log.enabled(each)), levels.slice(i));
  }
});

Deno.test("log.child adds its fields to every line, and to those of its own children", () => {
  const [log, lines] = logTo("text");
  const child = log.child({ plugin: "say", id: 5 });
  child.info("one", { at: "a" });
  child.child({ id: 6 }).info("two");
  log.info("three");
  assert.deepEqual(lines.map(untimed), [
    "INFO one plugin=say id=5 at=a\n",
    "INFO two plugin=say id=6\n",
    "INFO three\n",
  ]);
});

Deno.test("log lets no field take the place of time, level or message", () => {
  const [log, lines] = logTo("json");
  log.error("failed", { message: "because", level: "debug", time: "never", id: 5 });
  const { time, ...rest } = parsed(lines[0]);
  assert.notEqual(time, "never");
  assert.deepEqual(rest, { level: "error", message: "failed", id: 5 });
});

Deno.test("log writes one line, whatever is in message and fields", () => {
  for (const format of ["text", "json"] as const) {
    const [log, lines] = logTo(format);
    log.warn("one\r\ntwo\u0000\u001b[31m\u007f", { "a\nb": "c\nd", stack: "Error\n  at x" });
    const [line = ""] = lines;
    assert(isOneLine(line), line);
    // deno-lint-ignore no-control-regex -- they must not be there
    assert.doesNotMatch(line.slice(0, -1), format === "json" ? /[\x00-\x1f]/ : /[\x00-\x1f\x7f]/);
  }
  const [log, lines] = logTo("text");
  log.warn("one\r\ntwo\t\u0000\u007f");
  assert.match(untimed(lines[0]), /^WARN one\\r\\ntwo\\t\\u0000\\u007f\n$/);
});

const BIG = 20_000;

/** What makes a line long: text, what JSON writes in up to six bytes, what UTF-8 does in more. */
const CHARACTERS = ["x", '"', "\n", "\u0001", "\u00fc", "\u65e5", "\ud83d\ude00", "\ud800"];

Deno.test("log keeps a line shorter than what APISIX reads in one go", () => {
  for (const format of ["text", "json"] as const) {
    for (const character of CHARACTERS) {
      const text = character.repeat(BIG);
      const fields: LogFields[] = [
        {},
        { stack: text },
        { stack: text, a: text, b: text, c: text, d: text },
        Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`name${i}`, i])),
        { [text]: 1 },
      ];
      for (const each of fields) {
        const [log, lines] = logTo(format);
        log.child({ plugin: "say", phase: "HTTPReqCall", id: 5 }).error(text, each);
        const [line = ""] = lines;
        const bytes = new TextEncoder().encode(line).length;
        assert(bytes < PIECE_BYTES, `${format}: ${bytes} bytes`);
        assert(isOneLine(line));
        assert.match(line, /…/);
        if (format === "json") assert.equal(parsed(line).level, "error");
      }
    }
  }
});

Deno.test("log leaves a line as it is that is short enough", () => {
  const [log, lines] = logTo("text");
  log.error("ü".repeat(1800));
  assert.equal(untimed(lines[0]), `ERROR ${"ü".repeat(1800)}\n`);
});

Deno.test("log writes a whole line for whatever a plugin says", () => {
  const value = fc.oneof(
    fc.string({ unit: "binary", maxLength: 3000 }),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
  );
  const fields = fc.dictionary(fc.string({ unit: "binary" }), value, { maxKeys: 6 });
  const message = fc.string({ unit: "binary", maxLength: 6000 });
  fc.assert(fc.property(message, fields, (message, fields) => {
    for (const format of ["text", "json"] as const) {
      const [log, lines] = logTo(format);
      log.info(message, fields);
      const [line = "", ...more] = lines;
      assert.deepEqual(more, []);
      assert(isOneLine(line));
      assert(new TextEncoder().encode(line).length < PIECE_BYTES);
      if (format === "json") assert.equal(parsed(line).level, "info");
    }
  }));
});

Deno.test("log shows whatever a plugin gives as a field", () => {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  const log = Logger.create({ level: "debug", format: "json", write: (line) => void write(line) });
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  log.error("odd", { error: new Error("broken"), list: [1, "a"], big: 1n, cycle, nothing: null });
  const { error, list, big, cycle: shown, nothing } = JSON.parse(lines[0] ?? "");
  assert.deepEqual({ error, list, big, shown, nothing }, {
    error: "broken",
    list: '[1,"a"]',
    big: "a value that cannot be shown",
    shown: "a value that cannot be shown",
    nothing: null,
  });
});
