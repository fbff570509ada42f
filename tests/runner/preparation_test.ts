import assert from "node:assert/strict";

import { definePlugin, type Plugin } from "../../plugins/mod.ts";
import { Registry } from "../../plugins/registry.ts";
import { decodePrepareConfReq } from "../../protocol/decode_request.ts";
import { encodePrepareConfReq } from "../../protocol/encode_request.ts";
import { ErrorCode, RpcError } from "../../protocol/errors.ts";
import { confKey, fingerprint, pluginConf, Preparation } from "../../runner/preparation.ts";
import { entries, onRequest, onResponse, type Pair } from "../plugins/_calls.ts";
import { TestLog } from "./_log.ts";
import { asFrame } from "./_runner.ts";

const KEY = "route#1#ext-plugin-pre-req#21";

function messageOf(conf: readonly Pair[] | null, key: string | Uint8Array | null = KEY) {
  const bytes = encodePrepareConfReq({ conf: conf === null ? null : entries(conf), key });
  return decodePrepareConfReq(asFrame(bytes));
}

function preparationOf(plugins: readonly Plugin[], names: readonly string[], key = KEY) {
  const testLog = new TestLog();
  const conf = names.map((name) => ({ name, value: "{}" }));
  return {
    preparation: new Preparation(conf, key, new Registry(plugins), testLog.log),
    testLog,
  };
}

Deno.test("preparation.prepare makes the chain once", async () => {
  let validated = 0;
  const plugin = definePlugin({
    name: "counted",
    config: () => void validated++,
    onRequest: () => {},
  });
  const { preparation } = preparationOf([plugin], ["counted"]);
  assert.equal(preparation.chain, null);
  assert.equal(validated, 0);
  const [one, two] = await Promise.all([preparation.prepare(), preparation.prepare()]);
  assert.equal(one, two);
  assert.equal(preparation.chain, one);
  assert.equal(await preparation.prepare(), one);
  assert.equal(validated, 1);
});

Deno.test("preparation.prepare fails for everyone who waits, and is logged once", async () => {
  const { preparation, testLog } = preparationOf([], ["unknown"]);
  for (let i = 0; i < 3; i++) {
    await assert.rejects(preparation.prepare(), (error) => {
      assert(error instanceof RpcError);
      assert.equal(error.code, ErrorCode.SERVICE_UNAVAILABLE);
      return true;
    });
  }
  assert.equal(preparation.chain, null);
  assert.equal(testLog.lines.length, 1);
  const [line] = testLog.lines;
  assert.equal(line?.level, "error");
  assert.equal(line.key, KEY);
  assert.match(String(line.message), /plugin "unknown": not known.*Its calls fail/);
});

Deno.test("preparation.retry gives what failed another chance, and leaves what worked", async () => {
  let attempts = 0;
  const plugin = definePlugin({
    name: "flaky",
    config: () => {
      if (++attempts === 1) throw new Error("not yet");
    },
    onRequest: () => {},
  });
  const { preparation } = preparationOf([plugin], ["flaky"]);
  await assert.rejects(preparation.prepare(), RpcError);
  preparation.retry();
  const chain = await preparation.prepare();
  preparation.retry();
  assert.equal(await preparation.prepare(), chain);
  assert.equal(attempts, 2);
});

Deno.test("preparation warns of a plugin that does nothing in the phase of its route", async () => {
  const plugins = [onRequest(() => {}, "request"), onResponse(() => {}, "response")];
  const cases = [
    ["route#1#ext-plugin-pre-req#21", ["response"]],
    ["route#1#ext-plugin-post-req#21", ["response"]],
    ["global_rule#1#ext-plugin-post-resp#21", ["request"]],
    // Before APISIX 2.9 there is no key, and no way to know.
    ["", []],
  ] as const;
  for (const [key, expected] of cases) {
    const { preparation, testLog } = preparationOf(plugins, ["request", "response"], key);
    await preparation.prepare();
    assert.deepEqual(
      testLog.at("warn").map(({ message }) =>
        /plugin "(\w+)" does nothing/.exec(`${message}`)?.[1]
      ),
      expected,
    );
  }
});

Deno.test("preparation.warnOnce warns once of the same thing", () => {
  const { preparation, testLog } = preparationOf([], []);
  for (const message of ["one", "two", "one", "two"]) preparation.warnOnce(message);
  assert.deepEqual(testLog.at("warn").map(({ message }) => message), ["one", "two"]);
});

Deno.test("pluginConf gives names and configurations in their order, duplicates included", () => {
  const message = messageOf([["b", "1"], ["a"], ["b", ""], ["ü", "nicht JSON"]]);
  assert.deepEqual(pluginConf(message), [
    { name: "b", value: "1" },
    { name: "a", value: "" },
    { name: "b", value: "" },
    { name: "ü", value: "nicht JSON" },
  ]);
  assert.deepEqual(pluginConf(messageOf(null)), []);
});

Deno.test("confKey gives the key, empty before APISIX 2.9", () => {
  assert.equal(confKey(messageOf([], KEY)), KEY);
  assert.equal(confKey(messageOf([], null)), "");
});

Deno.test("fingerprint tells configurations apart by key and content, to the byte", () => {
  const conf: Pair[] = [["a", "1"], ["b", "2"]];
  const different: [readonly Pair[] | null, (string | Uint8Array | null)?][] = [
    [conf],
    [conf, "route#2#ext-plugin-pre-req#21"],
    [conf, null],
    [conf, ""],
    [null],
    [[["b", "2"], ["a", "1"]]],
    [[["a", "1"]]],
    [[["a", "1"], ["b"]]],
    [[["a", "1"], ["b", ""]]],
    // Joined they are the same.
    [[["a", "1b"], ["", "2"]]],
    [[["a1", ""], ["b", "2"]]],
    [[["a", "1"], ["b", "3"]]],
    // As text they are the same.
    [[["a", Uint8Array.of(0xff)]]],
    [[["a", Uint8Array.of(0xfe)]]],
  ];
  const prints = different.map(([conf, key]) => fingerprint(messageOf(conf, key)));
  assert.equal(new Set(prints).size, different.length);
  assert.equal(fingerprint(messageOf(conf)), prints[0]);
});
