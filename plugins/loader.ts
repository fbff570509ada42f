/**
 * Plugins from files on disk.
 *
 * @module
 */

import { join, relative, resolve } from "node:path";

import { messageOf } from "../protocol/errors.ts";
import { explain } from "./load_problem.ts";
import { ImportFailure, moduleVersions } from "./module_versions.ts";
import type { Plugin } from "./plugin.ts";
import { exportedPlugins, ExportError } from "./plugin_exports.ts";
import { type PluginFile, pluginFilesAt } from "./plugin_files.ts";
import { type Place, placeOf } from "./source_place.ts";

/** How long a file may await something before it has loaded, in milliseconds. */
const LOAD_TIMEOUT_MS = 10_000;

/** How plugins are loaded. */
export interface LoadOptions {
  /** The plugins of the program itself, whose names are taken. */
  readonly builtIn?: Iterable<Plugin>;
  /** How long a file may take, in milliseconds; 10 000 when absent. */
  readonly timeoutMs?: number;
}

/** A plugin, and where it is from. */
export interface LoadedPlugin {
  /** The plugin. */
  readonly plugin: Plugin;
  /** Its file: relative where a relative path was given, else absolute. */
  readonly file: string;
}

/** Why a file, or one of its plugins, is not there. */
export interface LoadProblem {
  /** The file, or the path when nothing is there, named as in {@linkcode LoadedPlugin.file}. */
  readonly file: string;
  /** Where the reason is, perhaps in a file that it imports; `null` when nobody knows. */
  readonly place: Place | null;
  /** What is wrong, and the way out. */
  readonly reason: string;
  /** All of this: `Cannot load plugins/geo.ts:3:7: …`. */
  readonly message: string;
}

/** What became of files. */
export interface LoadedPlugins {
  /** The plugins, in the order of paths, files and lists. */
  readonly plugins: readonly LoadedPlugin[];
  /** What is wrong with the others; empty when all is well. */
  readonly problems: readonly LoadProblem[];
  /** The absolute paths of all files that they are made of, those that they import included. */
  readonly sources: readonly string[];
}

/** Settles when the load before has ended: one goes after the other. */
let lastLoad: Promise<unknown> = Promise.resolve();

/**
 * Loads plugins from files. Each exports a plugin, or a list of plugins, as its default.
 *
 * To load again is to get the new code of what has changed since: of a file, and of the relative
 * files that it imports. Where nothing has changed, the plugins are the same objects as before.
 *
 * @param paths Folders and files. Of a folder all `*.ts`, `*.js` and `*.mjs` are loaded, but for
 * parts of plugins (`_*`), hidden files and tests (`*_test.*`, `*.test.*`).
 * @param options The names that are taken, and how long a file may take.
 * @returns The plugins that could be loaded, and all that is wrong with the others. It does not
 * throw for them.
 *
 * @example
 * ```ts
 * import { loadPlugins } from "./loader.ts";
 * import assert from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.writeTextFile(
 *   `${folder}/teapot.ts`,
 *   `import { definePlugin, stop } from "@apisix-deno/plugin-runner";
 *   export default definePlugin({ name: "teapot", onRequest: () => stop("tea", { status: 418 }) });`,
 * );
 *
 * const { plugins, problems } = await loadPlugins([folder]);
 * assert.deepEqual(plugins.map(({ plugin }) => plugin.name), ["teapot"]);
 * assert.deepEqual(problems, []);
 * ```
 */
export function loadPlugins(
  paths: readonly string[],
  options: LoadOptions = {},
): Promise<LoadedPlugins> {
  const load = lastLoad.then(() => loadNow(paths, options));
  lastLoad = load.catch(() => {});
  return load;
}

async function loadNow(
  paths: readonly string[],
  { builtIn = [], timeoutMs = LOAD_TIMEOUT_MS }: LoadOptions,
): Promise<LoadedPlugins> {
  const loading = new Loading(builtIn);
  const files = loading.filesAt(paths);
  moduleVersions.refresh();
  for (const file of files) await loading.load(file, timeoutMs);
  return loading.end();
}

/** One round over all files. */
class Loading {
  readonly #plugins: LoadedPlugin[] = [];
  readonly #problems: LoadProblem[] = [];
  readonly #loaded: string[] = [];
  readonly #failed: string[] = [];
  /** Whose a name is, by name. */
  readonly #owners: Map<string, string>;

  constructor(builtIn: Iterable<Plugin>) {
    this.#owners = new Map(Array.from(builtIn, ({ name }) => [name, "a plugin of this program"]));
  }

  /** The plugin files at some paths, each once. */
  filesAt(paths: readonly string[]): Iterable<PluginFile> {
    const files = new Map<string, PluginFile>();
    for (const path of paths) {
      try {
        for (const file of pluginFilesAt(path)) {
          if (!files.has(file.path)) files.set(file.path, file);
        }
      } catch (error) {
        this.#problem(
          { path: resolve(path), shown: withoutSlash(join(path)) },
          null,
          messageOf(error),
        );
      }
    }
    return files.values();
  }

  /** Loads a file; never throws. */
  async load(file: PluginFile, timeoutMs: number): Promise<void> {
    let module: Readonly<Record<string, unknown>>;
    try {
      module = await inTime(moduleVersions.import(file.path), timeoutMs);
    } catch (error) {
      this.#failed.push(file.path);
      const { place, reason } = error instanceof ImportFailure
        ? await explain(error)
        : { place: null, reason: messageOf(error) };
      this.#problem(file, place, reason);
      return;
    }
    try {
      const plugins = exportedPlugins(module);
      if (!moduleVersions.importsPackage(file.path)) throw new ExportError(FOREIGN);
      for (const plugin of plugins) this.#add(plugin, file);
      this.#loaded.push(file.path);
    } catch (error) {
      this.#failed.push(file.path);
      this.#problem(file, placeOf(file.path, /^(?=export default\b)/m), messageOf(error));
    }
  }

  end(): LoadedPlugins {
    const sources = new Set(
      [...this.#loaded, ...this.#failed].flatMap((path) => [...moduleVersions.sourcesOf(path)]),
    );
    moduleVersions.giveAnotherChance(this.#failed, this.#loaded);
    return { plugins: this.#plugins, problems: this.#problems, sources: [...sources] };
  }

  #add(plugin: Plugin, file: PluginFile): void {
    const owner = this.#owners.get(plugin.name);
    if (owner === undefined) {
      this.#owners.set(plugin.name, file.shown);
      this.#plugins.push({ plugin, file: file.shown });
      return;
    }
    const said = new RegExp(`\\bname:\\s*(?=["'\`]${RegExp.escape(plugin.name)}["'\`])`);
    this.#problem(
      file,
      placeOf(file.path, said),
      `the name "${plugin.name}" is taken by ${owner}. Rename one of them`,
    );
  }

  #problem({ path, shown }: PluginFile, place: Place | null, reason: string): void {
    const at = place === null ? "" : `:${place.line}:${place.column}`;
    const message = place === null || place.path === path
      ? `Cannot load ${shown}${at}: ${reason}`
      : `Cannot load ${shown}: ${asShown(place.path, shown)}${at}: ${reason}`;
    this.#problems.push({ file: shown, place, reason, message });
  }
}

/** A copy has classes of its own, which the runner does not know. */
const FOREIGN =
  "it has a copy of this package in it, which does not fit the one that runs. Keep the " +
  'import of "@apisix-deno/plugin-runner" when you bundle (esbuild --external)';

/** A path in the manner of another. */
function asShown(path: string, other: string): string {
  return other.startsWith("/") ? path : relative(Deno.cwd(), path);
}

async function inTime<Value>(promise: Promise<Value>, ms: number): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(
      new Error(
        `it is not loaded after ${ms} ms: what it awaits outside of its hooks does ` +
          "not come. Await it in start(), or in a hook",
      ),
    );
  }, ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** As the files of a folder are shown, so that both are known for the same. */
function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
