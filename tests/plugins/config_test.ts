import assert from "node:assert/strict";

import { z } from "zod";

import {
  ConfigError,
  describeConfig,
  parseConfigText,
  type SchemaIssue,
  type StandardSchema,
  validateConfig,
} from "../../plugins/config.ts";

Deno.test("parseConfigText parses JSON", () => {
  assert.deepEqual(parseConfigText('{"rate":5}'), { rate: 5 });
  assert.deepEqual(parseConfigText("[1]"), [1]);
  assert.equal(parseConfigText("null"), null);
});

Deno.test("parseConfigText takes an empty text for an empty configuration", () => {
  assert.deepEqual(parseConfigText(""), {});
  assert.deepEqual(parseConfigText(" \n"), {});
});

Deno.test("parseConfigText refuses what is not JSON, without showing it", () => {
  assert.throws(() => parseConfigText('{"password":"hunter2"'), (error) => {
    assert(error instanceof ConfigError);
    assert.equal(error.message, "the configuration is not valid JSON (21 characters)");
    assert.equal(error.cause, undefined);
    return true;
  });
});

Deno.test("validateConfig takes a function, and gives what it gives", async () => {
  assert.equal(validateConfig((raw) => `got ${raw}`, 5), "got 5");
  assert.equal(await validateConfig((raw) => Promise.resolve(raw), 5), 5);
});

Deno.test("validateConfig lets a function throw", async () => {
  const refuse = () => {
    throw new Error("rate is missing");
  };
  assert.throws(() => validateConfig(refuse, {}), /rate is missing/);
  await assert.rejects(
    async () => await validateConfig(() => Promise.reject(new Error("no")), {}),
    /no/,
  );
});

Deno.test("validateConfig takes a zod schema, at once, with its defaults and transforms", () => {
  const schema = z.object({
    rate: z.number().default(5),
    names: z.string().transform((text) => text.split(",")),
  });
  assert.deepEqual(validateConfig(schema, { names: "a,b" }), { rate: 5, names: ["a", "b"] });
});

Deno.test("validateConfig names every place and reason, and not the values there", () => {
  const schema = z.object({ key: z.number(), deny: z.array(z.string()) });
  assert.throws(() => validateConfig(schema, { key: "hunter2", deny: ["a", { b: "hunter3" }] }), {
    name: "ConfigError",
    message: "the configuration is not valid: " +
      "key: Invalid input: expected number, received string; " +
      "deny.1: Invalid input: expected string, received object",
  });
});

Deno.test("validateConfig tells what is wrong one by one", () => {
  const schema = z.object({ key: z.number(), deny: z.array(z.string()) });
  assert.throws(() => validateConfig(schema, { key: "x", deny: [5] }), (error) => {
    assert(error instanceof ConfigError);
    assert.deepEqual(error.issues, [
      "key: Invalid input: expected number, received string",
      "deny.0: Invalid input: expected string, received number",
    ]);
    return true;
  });
});

Deno.test("validateConfig names no place where the whole is wrong", () => {
  assert.throws(() => validateConfig(z.object({}), "x"), {
    message: /^the configuration is not valid: Invalid input/,
  });
});

/** A schema that waits before it answers. */
function later(result: "value" | "issues"): StandardSchema<string> {
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) =>
        Promise.resolve(
          result === "value"
            ? { value: `later ${value}` }
            : { issues: [{ message: "not today", path: ["a", { key: 0 }, Symbol("s")] }] },
        ),
    },
  };
}

Deno.test("validateConfig takes any Standard Schema, also one that waits", async () => {
  assert.equal(await validateConfig(later("value"), 1), "later 1");
  await assert.rejects(async () => await validateConfig(later("issues"), 1), {
    name: "ConfigError",
    message: "the configuration is not valid: a.0.Symbol(s): not today",
  });
});

Deno.test("validateConfig takes a zod schema that waits", async () => {
  const schema = z.string().refine(async (text) => await Promise.resolve(text !== "taken"));
  const refined: StandardSchema<string> = schema;
  assert.equal(await validateConfig(refined, "free"), "free");
  await assert.rejects(async () => await validateConfig(refined, "taken"), ConfigError);
});

Deno.test("validateConfig takes a schema that is a function too", () => {
  const issues: readonly SchemaIssue[] = [{ message: "always" }];
  const schema = Object.assign(
    () => assert.fail("it was called"),
    {
      "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) },
    } as const,
  );
  assert.throws(() => validateConfig<string>(schema, 1), /not valid: always/);
});

Deno.test("describeConfig gives the JSON Schema of what a zod schema takes", () => {
  const schema = z.object({
    rate: z.number().default(5),
    names: z.string().transform((text) => text.split(",")),
  });
  assert.deepEqual(describeConfig(schema), {
    type: "schema",
    schema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: { rate: { type: "number", default: 5 }, names: { type: "string" } },
      required: ["names"],
    },
  });
});

Deno.test("describeConfig says why it cannot", () => {
  assert.deepEqual(describeConfig((raw: unknown) => raw), {
    type: "unknown",
    reason: "its configuration is a function",
  });
  assert.deepEqual(describeConfig(later("value")), {
    type: "unknown",
    reason: "its validator (test) does not give one",
  });
  assert.deepEqual(describeConfig(z.object({ at: z.date() })), {
    type: "unknown",
    reason: "its validator (zod) says: Date cannot be represented in JSON Schema",
  });
});

Deno.test("describeConfig takes a plugin without a validator for one that takes anything", () => {
  assert.deepEqual(describeConfig(undefined), { type: "anything" });
});
