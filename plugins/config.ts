/**
 * A plugin's configuration: from the text in the route to the value in the hooks.
 *
 * @module
 */

/**
 * A validator that follows the Standard Schema, version 1 (standardschema.dev): the part of the
 * interface that is used here. zod, valibot and arktype make such validators.
 */
export interface StandardSchema<Output> {
  /** The interface of the standard. */
  readonly "~standard": {
    /** The version of the standard. */
    readonly version: 1;
    /** Who made the validator. */
    readonly vendor: string;
    /** Validates a value. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
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
}

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

function isSchema<Config>(
  parser: ConfigParser<Config>,
): parser is StandardSchema<Config> {
  // Some validators are callable, so "is it a function" would not tell them apart.
  return "~standard" in parser;
}

function valueOf<Config>(result: SchemaResult<Config>): Config {
  if (result.issues === undefined) return result.value;
  throw new ConfigError(
    "the configuration is not valid: " + result.issues.map(describe).join("; "),
  );
}

function describe({ path, message }: SchemaIssue): string {
  const place = (path ?? []).map((part) => String(typeof part === "object" ? part.key : part));
  return place.length === 0 ? message : `${place.join(".")}: ${message}`;
}
