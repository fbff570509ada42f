/**
 * The modules of this package, as plugin files on disk name them.
 *
 * @module
 */

import project from "../deno.json" with { type: "json" };

/** Where a name of this package leads. */
export interface PackageModule {
  /** The module; `null` when the package has none of that name. */
  readonly url: string | null;
  /** The names that it has modules for. */
  readonly names: readonly string[];
}

/** What may stand before and behind the package's name, for editors and for `deno test`. */
const NAMED = new RegExp(`^(?:(?:jsr|npm):/?)?${project.name}(?:@[^/]*)?(/.*)?$`);

/**
 * Where an import of this package by its name leads: to the modules of the program that runs,
 * whichever version the name asks for. A plugin made by another copy would not work.
 *
 * @param specifier What a file imports.
 * @returns The module; `null` when it is not of this package.
 *
 * @example
 * ```ts
 * import { packageModule } from "./package_modules.ts";
 * import assert from "node:assert/strict";
 *
 * const found = packageModule("@apisix-deno/plugin-runner");
 * assert.equal(found?.url, new URL("../mod.ts", import.meta.url).href);
 * assert.equal(packageModule("zod"), null);
 * ```
 */
export function packageModule(specifier: string): PackageModule | null {
  const match = NAMED.exec(specifier);
  if (match === null) return null;
  const modules = exportsOf(project.exports);
  const file = modules.get(`.${match[1] ?? ""}`);
  return {
    url: file === undefined ? null : new URL(file, new URL("..", import.meta.url)).href,
    names: Array.from(modules.keys(), (name) => project.name + name.slice(1)),
  };
}

function exportsOf(exports: string | Readonly<Record<string, string>>): Map<string, string> {
  return new Map(typeof exports === "string" ? [[".", exports]] : Object.entries(exports));
}
