/**
 * What this project relies on in `@std/cli` and `@std/log`. Where JSR cannot be reached `./denow`
 * puts stand-ins in their place: these tests hold for the real packages and for the stand-ins.
 */

import assert from "node:assert/strict";
import { parseArgs } from "@std/cli/parse-args";
import { BaseHandler } from "@std/log/base-handler";
import { getLevelByName, getLevelName, type LevelName, LogLevels } from "@std/log/levels";
import { Logger, type LogRecord } from "@std/log/logger";

/** Own entries only: what a parsed result is made of, whatever its prototype is. */
function entries(parsed: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parsed));
}

Deno.test("@std/cli: an option's value follows it or an equals sign", () => {
  const options = { string: ["listen"] } as const;
  assert.equal(parseArgs(["--listen", "unix:/x"], options).listen, "unix:/x");
  assert.equal(parseArgs(["--listen=unix:/x"], options).listen, "unix:/x");
  assert.equal(parseArgs(["--listen=a=b"], options).listen, "a=b");
});

Deno.test("@std/cli: options declared as strings keep numbers as they are written", () => {
  const parsed = parseArgs(["--mode", "0666", "--other=007"], { string: ["mode", "other"] });
  const mode: string | undefined = parsed.mode;
  assert.equal(mode, "0666");
  assert.equal(parsed.other, "007");
  assert.equal(parseArgs(["--size", "007"]).size, 7);
});

Deno.test("@std/cli: a string option without a value is the empty string", () => {
  const options = { string: ["mode", "dir"] } as const;
  assert.equal(parseArgs(["--mode"], options).mode, "");
  const parsed = parseArgs(["--mode", "--dir", "x"], options);
  assert.equal(parsed.mode, "");
  assert.equal(parsed.dir, "x");
  assert.equal(parseArgs(["--mode", "--", "x"], options).mode, "");
});

Deno.test("@std/cli: a string option that is not given is undefined", () => {
  assert.equal(parseArgs([], { string: ["mode"] }).mode, undefined);
  assert.deepEqual(entries(parseArgs([], { string: ["mode"] })), { _: [] });
});

Deno.test("@std/cli: the last value of an option wins", () => {
  assert.equal(parseArgs(["--mode", "1", "--mode=2"], { string: ["mode"] }).mode, "2");
});

Deno.test("@std/cli: boolean options take no value and are false unless given", () => {
  const options = { boolean: ["help", "version"] } as const;
  const parsed = parseArgs(["--help", "run"], options);
  const help: boolean = parsed.help;
  assert.equal(help, true);
  assert.equal(parsed.version, false);
  assert.deepEqual(parsed._, ["run"]);
  assert.equal(parseArgs(["--help=false"], options).help, false);
});

Deno.test("@std/cli: short aliases set both names", () => {
  const parsed = parseArgs(["-h", "-l", "tcp:1"], {
    boolean: ["help"],
    string: ["listen"],
    alias: { help: "h", listen: "l" },
  });
  assert.deepEqual(entries(parsed), { _: [], help: true, h: true, listen: "tcp:1", l: "tcp:1" });
});

Deno.test("@std/cli: an alias of several names, and a cluster of short options", () => {
  const parsed = parseArgs(["-vq", "--loud"], {
    boolean: ["verbose", "quiet"],
    alias: { verbose: ["v", "loud"], quiet: "q" },
  });
  assert.equal(parsed.verbose, true);
  assert.equal(parsed.loud, true);
  assert.equal(parsed.quiet, true);
});

Deno.test("@std/cli: collected options gather every value, and are empty unless given", () => {
  const options = { string: ["plugin"], collect: ["plugin"] } as const;
  const plugins: string[] = parseArgs(["--plugin", "a", "--plugin=2"], options).plugin;
  assert.deepEqual(plugins, ["a", "2"]);
  assert.deepEqual(parseArgs(["--plugin", "a"], options).plugin, ["a"]);
  assert.deepEqual(parseArgs([], options).plugin, []);
});

Deno.test("@std/cli: collected options gather the values of their aliases too", () => {
  const parsed = parseArgs(["-p", "a", "--plugin", "b"], {
    string: ["plugin"],
    collect: ["plugin"],
    alias: { plugin: "p" },
  });
  assert.deepEqual(parsed.plugin, ["a", "b"]);
});

Deno.test("@std/cli: defaults stand in for options that are not given", () => {
  const options = {
    string: ["mode"],
    boolean: ["wait"],
    alias: { mode: "m" },
    default: { mode: "0666", wait: true },
  } as const;
  const given = parseArgs(["-m", "0600", "--wait=false"], options);
  assert.equal(given.mode, "0600");
  assert.equal(given.wait, false);
  const absent = parseArgs([], options);
  assert.deepEqual(entries(absent), { _: [], mode: "0666", m: "0666", wait: true });
});

Deno.test("@std/cli: negatable options can be switched off", () => {
  const parsed = parseArgs(["--no-color"], {
    boolean: ["color"],
    default: { color: true },
    negatable: ["color"],
  });
  assert.equal(parsed.color, false);
});

Deno.test("@std/cli: positionals are kept in order, numbers as numbers unless told otherwise", () => {
  assert.deepEqual(parseArgs(["run", "a", "12"])._, ["run", "a", 12]);
  assert.deepEqual(parseArgs(["run", "012", "-"], { string: ["_"] })._, ["run", "012", "-"]);
});

Deno.test("@std/cli: what follows a lone -- is not parsed", () => {
  assert.deepEqual(entries(parseArgs(["a", "--", "--b", "12"])), { _: ["a", "--b", "12"] });
  const apart = parseArgs(["a", "--", "--b"], { "--": true });
  const rest: string[] = apart["--"];
  assert.deepEqual(rest, ["--b"]);
  assert.deepEqual(apart._, ["a"]);
});

Deno.test("@std/cli: stopEarly leaves everything after the first positional alone", () => {
  const parsed = parseArgs(["--first", "run", "--second"], {
    boolean: ["first", "second"],
    stopEarly: true,
  });
  assert.equal(parsed.first, true);
  assert.equal(parsed.second, false);
  assert.deepEqual(parsed._, ["run", "--second"]);
});

Deno.test("@std/cli: unknown hears of undeclared options and of positionals, nothing else", () => {
  const heard: unknown[][] = [];
  const parsed = parseArgs(
    ["run", "--listen", "x", "-h", "--what=1", "--which", "2", "-z", "--", "rest"],
    {
      string: ["listen"],
      boolean: ["help"],
      alias: { help: "h" },
      unknown: (...all) => {
        heard.push(all);
        return false;
      },
    },
  );
  assert.deepEqual(heard, [
    ["run"],
    ["--what=1", "what", "1"],
    ["--which", "which", "2"],
    ["-z", "z", true],
  ]);
  assert.deepEqual(entries(parsed), { _: ["rest"], listen: "x", help: true, h: true });
});

Deno.test("@std/cli: what unknown does not refuse is kept", () => {
  const parsed = parseArgs(["run", "--what=1"], { string: ["listen"], unknown: () => true });
  assert.deepEqual(entries(parsed), { _: ["run"], what: 1 });
});

Deno.test("@std/cli: what the command line uses, all at once", () => {
  const unknown: string[] = [];
  const parse = (stopEarly: boolean, args: string[]) =>
    entries(parseArgs(args, {
      stopEarly,
      string: ["_", "header"],
      boolean: ["include"],
      collect: ["header"],
      alias: { header: "H", include: "i" },
      unknown(arg, key) {
        if (key !== undefined) unknown.push(arg);
        return key === undefined;
      },
    }));
  const header = ["a: 1", "b: -2"];
  assert.deepEqual(parse(false, ["-H", "a: 1", "call", "-i", "--header=b: -2", "007", "-"]), {
    _: ["call", "007", "-"],
    header,
    H: header,
    include: true,
    i: true,
  });
  assert.deepEqual(unknown, []);
  assert.deepEqual(parse(true, ["-i", "--what", "x", "call", "-H", "a: 1"])["_"], [
    "call",
    "-H",
    "a: 1",
  ]);
  assert.deepEqual(unknown, ["--what"]);
});

const LEVELS: ReadonlyArray<readonly [LevelName, number]> = [
  ["NOTSET", 0],
  ["DEBUG", 10],
  ["INFO", 20],
  ["WARN", 30],
  ["ERROR", 40],
  ["CRITICAL", 50],
];

Deno.test("@std/log: the levels, by name and by number", () => {
  assert.deepEqual({ ...LogLevels }, Object.fromEntries(LEVELS));
  for (const [name, level] of LEVELS) {
    assert.equal(getLevelByName(name), level);
    assert.equal(getLevelName(LogLevels[name]), name);
  }
  assert.throws(() => getLevelByName("LOUD" as LevelName));
  assert.throws(() => getLevelName(15 as 10));
});

/** Keeps what it was asked to log. */
class Kept extends BaseHandler {
  readonly records: LogRecord[] = [];
  readonly messages: string[] = [];

  override handle(record: LogRecord): void {
    this.records.push(record);
    super.handle(record);
  }

  override log(message: string): void {
    this.messages.push(message);
  }
}

Deno.test("@std/log: every method of a logger has its level", () => {
  const handler = new Kept("NOTSET", {});
  const logger = new Logger("runner", "NOTSET", { handlers: [handler] });
  for (const method of ["debug", "info", "warn", "error", "critical"] as const) {
    logger[method](`a ${method}`);
  }
  assert.deepEqual(handler.messages, [
    "DEBUG a debug",
    "INFO a info",
    "WARN a warn",
    "ERROR a error",
    "CRITICAL a critical",
  ]);
});

Deno.test("@std/log: a record carries the message, its arguments, level, name and time", () => {
  const handler = new Kept("DEBUG");
  const logger = new Logger("runner", "DEBUG", { handlers: [handler] });
  const detail = { conn: 7 };
  const before = Date.now();
  logger.warn("closing", detail, 3);
  const record = handler.records[0];
  assert.ok(record !== undefined);
  assert.equal(record.msg, "closing");
  assert.deepEqual(record.args, [detail, 3]);
  assert.equal(record.args[0], detail);
  assert.equal(record.level, LogLevels.WARN);
  assert.equal(record.levelName, "WARN");
  assert.equal(record.loggerName, "runner");
  assert.ok(record.datetime instanceof Date);
  assert.ok(record.datetime.getTime() >= before && record.datetime.getTime() <= Date.now());
});

Deno.test("@std/log: a logger drops what is below its level, and so does a handler", () => {
  const low = new Kept("NOTSET");
  const high = new Kept("ERROR");
  const logger = new Logger("runner", "WARN", { handlers: [low, high] });
  logger.info("info");
  logger.warn("warn");
  logger.error("error");
  assert.deepEqual(low.messages, ["WARN warn", "ERROR error"]);
  assert.deepEqual(high.messages, ["ERROR error"]);
  assert.equal(high.records.length, 2);
});

Deno.test("@std/log: level, levelName and handlers can be read and changed", () => {
  const handler = new Kept("NOTSET");
  const logger = new Logger("runner", "ERROR", {});
  assert.deepEqual(logger.handlers, []);
  logger.handlers = [handler];
  assert.equal(logger.level, LogLevels.ERROR);
  assert.equal(logger.levelName, "ERROR");
  logger.levelName = "DEBUG";
  assert.equal(logger.level, LogLevels.DEBUG);
  logger.level = LogLevels.INFO;
  assert.equal(logger.levelName, "INFO");
  assert.equal(logger.loggerName, "runner");
  logger.debug("not this");
  logger.info("this");
  assert.deepEqual(handler.messages, ["INFO this"]);

  assert.equal(handler.level, LogLevels.NOTSET);
  handler.levelName = "CRITICAL";
  assert.equal(handler.level, LogLevels.CRITICAL);
  logger.error("nor this");
  assert.equal(handler.messages.length, 1);
});

Deno.test("@std/log: a handler uses the formatter it was given", () => {
  const handler = new Kept("DEBUG", {
    formatter: (record) => `${record.loggerName}:${record.level}:${record.msg}:${record.args[0]}`,
  });
  new Logger("runner", "DEBUG", { handlers: [handler] }).error("refused", "twice");
  assert.deepEqual(handler.messages, ["runner:40:refused:twice"]);
  const record = handler.records[0];
  assert.ok(record !== undefined);
  assert.equal(handler.format(record), "runner:40:refused:twice");
});

Deno.test("@std/log: a message that is a function is called only when it is logged", () => {
  const handler = new Kept("NOTSET");
  const logger = new Logger("runner", "INFO", { handlers: [handler] });
  let calls = 0;
  const costly = (): string => `call ${++calls}`;
  assert.equal(logger.debug(costly), undefined);
  assert.equal(calls, 0);
  assert.equal(logger.info(costly), "call 1");
  assert.equal(logger.info("plain"), "plain");
  assert.deepEqual(handler.messages, ["INFO call 1", "INFO plain"]);
});

Deno.test("@std/log: a handler that throws lets the caller know", () => {
  class Broken extends BaseHandler {
    override log(): void {
      throw new Error("the pipe is closed");
    }
  }
  const logger = new Logger("runner", "INFO", { handlers: [new Broken("INFO")] });
  assert.throws(() => logger.info("anything"), /the pipe is closed/);
});

Deno.test("@std/log: setup and destroy can be called and overridden", () => {
  const steps: string[] = [];
  class Steps extends Kept {
    override setup(): void {
      steps.push("setup");
    }
    override destroy(): void {
      steps.push("destroy");
    }
  }
  const plain = new Kept("INFO");
  plain.setup();
  plain.destroy();
  const handler = new Steps("INFO");
  handler.setup();
  handler.destroy();
  assert.deepEqual(steps, ["setup", "destroy"]);
});
