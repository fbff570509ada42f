/**
 * Which files of a folder are plugins.
 *
 * @module
 */

import { basename, join, resolve } from "node:path";

import { messageOf } from "../protocol/errors.ts";

/** A plugin file. */
export interface PluginFile {
  /** Its absolute path. */
  readonly path: string;
  /** What it is called in messages: as the user named it, or the folder that it is in. */
  readonly shown: string;
}

/** A path at which there is no plugin file to be had. */
export class PluginFilesError extends Error {
  override readonly name = "PluginFilesError";
}

/**
 * The plugin files at a path. Those of a folder are its `*.ts`, `*.js` and `*.mjs`, by name, but
 * for parts of plugins (`_*`), hidden files, tests (`*_test.*`, `*.test.*`) and declarations
 * (`*.d.ts`). Folders in it are not looked into.
 *
 * @param path A folder or a file.
 * @returns The files, by name; a file that was named itself, whatever it is called.
 * @throws {PluginFilesError} When there is nothing, or nothing that can be read or imported.
 */
export function pluginFilesAt(path: string): PluginFile[] {
  let names: string[];
  try {
    if (!Deno.statSync(path).isDirectory) return [{ path: resolve(path), shown: fileNamed(path) }];
    names = Array.from(Deno.readDirSync(path), ({ name }) => name);
  } catch (error) {
    if (error instanceof PluginFilesError) throw error;
    const isMissing = error instanceof Deno.errors.NotFound;
    throw new PluginFilesError(isMissing ? "there is no such file or folder" : messageOf(error));
  }
  return names.filter(isPlugin).sort().map((name) => join(path, name)).filter(isFile)
    .map((shown) => ({ path: resolve(shown), shown }));
}

/** Whether a file is a plugin, by its name. */
function isPlugin(name: string): boolean {
  return /^[^._].*\.(ts|js|mjs)$/.test(name) && !/[._]test\.[^.]+$|\.d\.ts$/.test(name);
}

function fileNamed(path: string): string {
  if (/\.(ts|js|mjs)$/.test(path) && !path.endsWith(".d.ts")) return join(path);
  throw new PluginFilesError(
    `${basename(path)} is no .ts, .js or .mjs file, and no folder of such files`,
  );
}

/** Links count as what they lead to; one that leads nowhere may be an editor's lock. */
function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
