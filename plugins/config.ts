/**
 * A plugin's configuration: from the text in the route to the value in the hooks.
 *
 * @module
 */

import { messageOf } from "../protocol/errors.ts";

/**
 * A validator that follows the Standard Schema, version 1 (standardschema.dev): the part of the
 * interface that is used here. zod, valibot and arktype make such validators.
 */
export interface StandardSchema<Output, Input = unknown> {
  /** The interface of the standard. */
  readonly "~standard": {
    /** The version of the standard. */
    readonly version: 1;
    /** Who made the validator. */
    readonly vendor: string;
    /** Validates a value. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** The types of what it takes and gives; only the compiler reads them. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    /** Says what it takes and gives as JSON Schema; validators need not be able to. */
    readonly jsonSchema?: {
      /** What it takes. May throw when JSON Schema cannot say it. */
      readonly input: (options: { readonly target: string }) => Record<string, unknown>;
    } | undefined;
  };
}

/** What a validation gives: the value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where: the names and indexes that lead there. */
  readonly path?:
    | readonly (PropertyKey | { readonly key: PropertyKey })[]
    | undefined;
}

/**
 * How a plugin gets its configuration from the parsed JSON: a validator that follows the Standard
 * Schema (zod, valibot, arktype, …), or a function that returns the configuration or throws.
 */
export type ConfigParser<Config> =
  | StandardSchema<Config>
  | ((raw: unknown) => Config | Promise<Config>);

/** A configuration that a plugin cannot work with. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** What is wrong where, one by one; none when the message says it all. */
  readonly issues: readonly string[];

  /**
   * @param message What is wrong.
   * @param options The cause, and the single things that are wrong.
   */
  constructor(
    message: string,
    options: ErrorOptions & { readonly issues?: readonly string[] } = {},
  ) {
    super(message, options);
    this.issues = options.issues ?? [];
  }
}

/** What configurations a plugin takes. */
export type ConfigDescription =
  /** Those that a JSON Schema (draft 2020-12) describes. */
  | { readonly type: "schema"; readonly schema: Readonly<Record<string, unknown>> }
  /** All: it declares none. */
  | { readonly type: "anything" }
  /** It knows itself, but cannot say. */
  | { readonly type: "unknown"; readonly reason: string };

/**
 * Parses the JSON of a configuration; an empty one is `{}`.
 *
 * @param text What the route says.
 * @returns The value.
 * @throws {ConfigError} When it is not JSON. The text is not in the message: it may hold secrets.
 */
export function parseConfigText(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError(`the configuration is not valid JSON (${text.length} characters)`);
  }
}

/**
 * Validates a configuration.
 *
 * @param parser What the plugin declared.
 * @param raw The parsed JSON.
 * @returns The configuration, as a promise only where the validator gives one.
 * @throws {ConfigError} When it does not validate, naming each place and reason.
 */
export function validateConfig<Config>(
  parser: ConfigParser<Config>,
  raw: unknown,
): Config | Promise<Config> {
  if (!isSchema(parser)) return parser(raw);
  const result = parser["~standard"].validate(raw);
  return result instanceof Promise ? result.then(valueOf) : valueOf(result);
}

/**
 * What configurations a plugin takes, in words that machines understand.
 *
 * @param parser What the plugin declared.
 * @returns The JSON Schema, where the validator has the Standard JSON Schema interface and can say
 * what it takes.
 */
export function describeConfig(parser: ConfigParser<unknown> | undefined): ConfigDescription {
  if (parser === undefined) return { type: "anything" };
  if (!isSchema(parser)) return { type: "unknown", reason: "its configuration is a function" };
  const { vendor, jsonSchema } = parser["~standard"];
  if (jsonSchema === undefined) {
    return { type: "unknown", reason: `its validator (${vendor}) does not give one` };
  }
  try {
    return { type: "schema", schema: jsonSchema.input({ target: "draft-2020-12" }) };
  } catch (error) {
    return { type: "unknown", reason: `its validator (${vendor}) says: ${messageOf(error)}` };
  }
}

function isSchema<Config>(
  parser: ConfigParser<Config>,
): parser is StandardSchema<Config> {
  // Some validators are callable, so "is it a function" would not tell them apart.
  return "~standard" in parser;
}

function valueOf<Config>(result: SchemaResult<Config>): Config {
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(describe);
  throw new ConfigError(`the configuration is not valid: ${issues.join("; ")}`, { issues });
}

function describe({ path, message }: SchemaIssue): string {
  const place = (path ?? []).map((part) => String(typeof part === "object" ? part.key : part));
  return place.length === 0 ? message : `${place.join(".")}: ${message}`;
}
