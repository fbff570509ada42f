import assert from "node:assert/strict";

import { z } from "zod";

import { describeConfig, type StandardSchema } from "../../../../plugins/config.ts";
import { schemaLines } from "../../../../runner/cli/check/schema_text.ts";

function linesOf(schema: StandardSchema<unknown>): string[] {
  const description = describeConfig(schema);
  assert(description.type === "schema");
  return schemaLines(description.schema).map(([name, about]) => `${name}: ${about}`);
}

Deno.test("schemaLines says of each property what it takes", () => {
  const schema = z.object({
    deny: z.array(z.string()).describe("codes of countries"),
    mode: z.enum(["on", "off"]).default("on"),
    rate: z.number().positive().max(5).optional(),
    count: z.int(),
    name: z.string().min(1).nullable(),
    address: z.union([z.email(), z.literal(7), z.boolean()]),
    pattern: z.string().regex(/^a/),
    rest: z.record(z.string(), z.array(z.union([z.string(), z.number()]))),
    whatever: z.unknown(),
  });
  assert.deepEqual(linesOf(schema), [
    "deny: string[], required, codes of countries",
    'mode: "on" | "off", default "on"',
    "rate: number > 0 ≤ 5",
    "count: integer, required",
    "name: string | null, required",
    "address: string | 7 | boolean, required",
    "pattern: string like /^a/, required",
    "rest: { name: (string | number)[] }, required",
    "whatever: anything, required",
  ]);
});

Deno.test("schemaLines follows objects in objects and in lists", () => {
  const schema = z.object({
    headers: z.object({ set: z.record(z.string(), z.string()) }).optional(),
    rules: z.array(z.object({ path: z.string() })),
  });
  assert.deepEqual(linesOf(schema), [
    "headers: object",
    "headers.set: { name: string }, required",
    "rules: object[], required",
    "rules[].path: string, required",
  ]);
});

Deno.test("schemaLines ends where a schema is in itself", () => {
  const tree = z.object({
    name: z.string(),
    get children() {
      return z.array(tree);
    },
  });
  const lines = linesOf(tree);
  assert.deepEqual(lines.slice(0, 3), [
    "name: string, required",
    "children: object[], required",
    "children[].name: string, required",
  ]);
  assert(lines.length < 20);
});

Deno.test("schemaLines has one line for what is no object, none for an empty one", () => {
  assert.deepEqual(linesOf(z.array(z.string())), [": string[]"]);
  assert.deepEqual(linesOf(z.object({})), []);
});
