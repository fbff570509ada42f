/**
 * A JSON Schema as people read it: one line for each property.
 *
 * @module
 */

/** What is read of a schema. */
type Schema = Readonly<Record<string, unknown>>;

/** A property, and what it takes. */
export type SchemaLine = readonly [name: string, about: string];

/** Numbers that only say "a whole number that JavaScript can hold". */
const LIMITS: readonly unknown[] = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];

/** Objects in objects are followed that deep. */
const MAX_DEPTH = 4;

/**
 * The properties of a schema.
 *
 * @param schema A JSON Schema, draft 2020-12.
 * @returns Name and description of each, `a.b` for those of objects in it; one line with an empty
 * name when it is not that of an object.
 *
 * @example
 * ```ts
 * import { schemaLines } from "./schema_text.ts";
 * import assert from "node:assert/strict";
 *
 * const lines = schemaLines({
 *   type: "object",
 *   properties: { deny: { type: "array", items: { type: "string" } } },
 *   required: ["deny"],
 * });
 * assert.deepEqual(lines, [["deny", "string[], required"]]);
 * ```
 */
export function schemaLines(schema: Schema): SchemaLine[] {
  const lines = propertyLines(schema, schema, "", 0);
  return lines.length > 0 || isObject(schema) ? lines : [["", typeText(schema, schema)]];
}

function propertyLines(schema: Schema, root: Schema, prefix: string, depth: number): SchemaLine[] {
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  return Object.entries(record(schema["properties"])).flatMap(([name, value]) => {
    const property = resolved(record(value), root);
    const path = `${prefix}${name}`;
    const own: SchemaLine = [path, about(property, root, required.includes(name))];
    if (depth === MAX_DEPTH) return [own];
    const items = resolved(record(property["items"]), root);
    return [
      own,
      ...propertyLines(property, root, `${path}.`, depth + 1),
      ...propertyLines(items, root, `${path}[].`, depth + 1),
    ];
  });
}

function about(schema: Schema, root: Schema, isRequired: boolean): string {
  const { default: standard, description } = schema;
  return [
    typeText(schema, root),
    ...(isRequired ? ["required"] : []),
    ...(standard === undefined ? [] : [`default ${JSON.stringify(standard)}`]),
    ...(typeof description === "string" ? [description] : []),
  ].join(", ");
}

function typeText(unresolved: Schema, root: Schema, depth: number = 0): string {
  const schema = resolved(unresolved, root);
  const options = [schema["anyOf"], schema["oneOf"]].find(Array.isArray);
  if (depth > MAX_DEPTH) return "…";
  if (options !== undefined) {
    return either(options.map((one) => typeText(record(one), root, depth + 1)));
  }
  if (Array.isArray(schema["enum"])) {
    return either(schema["enum"].map((one) => JSON.stringify(one)));
  }
  if ("const" in schema) return JSON.stringify(schema["const"]);
  const { type } = schema;
  if (Array.isArray(type)) return either(type.map(String));
  if (type === "array") {
    const item = typeText(record(schema["items"]), root, depth + 1);
    return `${/[ |]/.test(item) ? `(${item})` : item}[]`;
  }
  if (type === "object" && !("properties" in schema) && isRecord(schema["additionalProperties"])) {
    return `{ name: ${typeText(record(schema["additionalProperties"]), root, depth + 1)} }`;
  }
  const name = typeof type === "string" ? type : "anything";
  return depth === 0 ? `${name}${limits(schema)}` : name;
}

function limits(schema: Schema): string {
  const numbers: readonly [keyword: string, sign: string][] = [
    ["minimum", "≥"],
    ["exclusiveMinimum", ">"],
    ["maximum", "≤"],
    ["exclusiveMaximum", "<"],
  ];
  const parts = numbers.flatMap(([keyword, sign]) => {
    const limit = schema[keyword];
    return typeof limit === "number" && !LIMITS.includes(limit) ? [`${sign} ${limit}`] : [];
  });
  const { format, pattern, minLength } = schema;
  if (typeof format === "string") parts.push(`(${format})`);
  else if (typeof pattern === "string") parts.push(`like /${pattern}/`);
  if (minLength === 1) parts.push("not empty");
  return parts.map((part) => ` ${part}`).join("");
}

function either(options: readonly string[]): string {
  return [...new Set(options)].join(" | ");
}

function resolved(schema: Schema, root: Schema): Schema {
  const reference = schema["$ref"];
  if (reference === "#") return root;
  if (typeof reference !== "string" || !reference.startsWith("#/")) return schema;
  let found: unknown = root;
  for (const part of reference.slice(2).split("/")) found = record(found)[part];
  return record(found);
}

function isObject(schema: Schema): boolean {
  return schema["type"] === "object";
}

function isRecord(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function record(value: unknown): Schema {
  return isRecord(value) ? value : {};
}
