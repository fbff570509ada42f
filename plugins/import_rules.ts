/**
 * What plugin files can import, and why the rest cannot work.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { packageModule } from "./package_modules.ts";

/** What can be done about a module that is not in the program. */
const WAY_OUT =
  "A plugin file can import relative files, node: modules, zod and this package. Bundle anything " +
  "else into the file (esbuild --bundle --format=esm --external:@apisix-deno/plugin-runner), or " +
  "build a binary of your own with it";

/**
 * Whether an import names a file by where it is.
 *
 * @param specifier What is imported.
 */
export function isPath(specifier: string): boolean {
  return /^(\.{0,2}\/|file:)/.test(specifier);
}

/**
 * Why an import does not work.
 *
 * @param specifier What is imported.
 * @param parent The path of the file that imports it.
 * @param said What the runtime says, for want of something better.
 * @returns The reason, and the way out.
 */
export function whyNot(specifier: string, parent: string, said: string): string {
  const cannot = `cannot import ${JSON.stringify(specifier)}: `;
  if (isPath(specifier)) {
    const path = specifier.startsWith("file:")
      ? fileURLToPath(specifier)
      : resolve(dirname(parent), decodeURI(specifier));
    return cannot + (whyNotFile(path, path.endsWith(".json")) ?? said);
  }
  const own = packageModule(specifier);
  if (own !== null) return `${cannot}this package has only ${own.names.join(", ")}`;
  if (specifier.startsWith("node:")) return `${cannot}there is no such module`;
  const isRemote = /^(jsr|https?):/.test(specifier);
  return `${cannot}${isRemote ? "it" : "the package"} is not in this program. ${WAY_OUT}`;
}

/**
 * Why a file cannot be imported.
 *
 * @param path Its path.
 * @param isJson Whether it is imported as JSON.
 * @returns The reason; `null` when nothing speaks against it.
 */
export function whyNotFile(path: string, isJson: boolean): string | null {
  try {
    if (Deno.statSync(path).isDirectory) return "that is a folder. Name a file in it";
    if (isJson) JSON.parse(Deno.readTextFileSync(path));
    return null;
  } catch (error) {
    if (error instanceof SyntaxError) return "it is not valid JSON";
    if (!(error instanceof Deno.errors.NotFound)) return String(error);
    const found = [".ts", ".js", ".mjs"].find((extension) => isThere(path + extension));
    return found === undefined
      ? "there is no such file"
      : `there is no such file. Write its extension, too: ${found}`;
  }
}

/**
 * Whether there is something at a path.
 *
 * @param path The path.
 */
export function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
