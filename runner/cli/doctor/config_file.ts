/**
 * What APISIX' `config.yaml` says of the runner (protocol.md §1.1).
 *
 * @module
 */

import { basename, dirname, resolve } from "node:path";

import { messageOf } from "../../../protocol/errors.ts";
import { parseDocuments } from "../document.ts";
import { StartError } from "../../errors.ts";

/** The parts of `config.yaml` that matter to a runner, as they stand there. */
export interface ApisixConfig {
  /** The folder that `conf/` is in. */
  readonly home: string;
  /** Whether there is an `ext-plugin` section. */
  readonly hasSection: boolean;
  /** `ext-plugin.cmd`; `undefined` when it is missing. */
  readonly cmd: unknown;
  /** `ext-plugin.path_for_test`; `undefined` when it is missing. */
  readonly pathForTest: unknown;
  /** `plugins`, the list of plugins that are enabled; `undefined` for APISIX' own list. */
  readonly plugins: unknown;
  /** `nginx_config.user`; `undefined` for that which nginx was built with. */
  readonly user: string | undefined;
  /** The names in `nginx_config.envs`. */
  readonly envs: readonly string[];
  /** `nginx_config.error_log_level`; `undefined` for `warn`. */
  readonly errorLogLevel: string | undefined;
}

/**
 * Reads `config.yaml`.
 *
 * @param path The file.
 * @param env Looks up an environment variable, for `${{NAME}}`.
 * @returns What it says.
 * @throws {StartError} When it cannot be read, or is not YAML.
 */
export async function readApisixConfig(
  path: string,
  env: (name: string) => string | undefined,
): Promise<ApisixConfig> {
  const root = resolved(await contentOf(path), env);
  const section = property(root, "ext-plugin");
  const nginx = property(root, "nginx_config");
  const folder = dirname(resolve(path));
  return {
    home: basename(folder) === "conf" ? dirname(folder) : folder,
    hasSection: typeof section === "object" && section !== null,
    cmd: property(section, "cmd") ?? undefined,
    pathForTest: property(section, "path_for_test") ?? undefined,
    plugins: property(root, "plugins"),
    user: textOr(property(nginx, "user")),
    envs: listOf(property(nginx, "envs")).map((name) => String(name).replace(/=.*$/s, "")),
    errorLogLevel: textOr(property(nginx, "error_log_level")),
  };
}

async function contentOf(path: string): Promise<unknown> {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    const reason = isMissing ? "there is no such file" : messageOf(error);
    throw new StartError(`Cannot read ${path}: ${reason}`, { cause: error });
  }
  try {
    const [document] = await parseDocuments(text, false);
    return document?.value;
  } catch (error) {
    const line = error instanceof Error && "line" in error ? `, line ${error.line}` : "";
    throw new StartError(`Cannot read ${path}${line}: ${messageOf(error)}`, { cause: error });
  }
}

/** Puts variables where the file says `${{NAME}}` or `${{NAME:=default}}`, as APISIX does. */
function resolved(value: unknown, env: (name: string) => string | undefined): unknown {
  if (typeof value === "string") {
    return value.replace(
      /\$\{\{\s*(\w+)\s*(?::=([^}]*))?\}\}/g,
      (text, name, standard) => env(name) ?? standard?.trim() ?? text,
    );
  }
  if (Array.isArray(value)) return value.map((one) => resolved(one, env));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one, env)]));
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function textOr(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
