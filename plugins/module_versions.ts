/**
 * Importing plugin files in their newest version.
 *
 * What was imported once stays in the cache of ES modules, whatever becomes of the file: it takes
 * another URL to import it again. So a file that has changed gets a version, as the query of its
 * URL, and so does every file that imports it. The others stay the modules that they are, with all
 * that they hold.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { registerHooks, type ResolveHookSync } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

import { isPath, isThere, whyNot, whyNotFile } from "./import_rules.ts";
import { packageModule } from "./package_modules.ts";
import { importsIn } from "./source_place.ts";

/** One import of a file. */
export interface ImportEdge {
  /** The path of the file that imports. */
  readonly parent: string;
  /** What it imports, as it says so. */
  readonly specifier: string;
  /** Where that leads. */
  readonly url: string;
}

/** An import that leads nowhere. */
export interface Refusal {
  /** The path of the file that imports. */
  readonly parent: string;
  /** What it imports, as it says so. */
  readonly specifier: string;
  /** Why that cannot work, and the way out. */
  readonly reason: string;
}

/** A plugin file that could not be imported. */
export class ImportFailure extends Error {
  override readonly name = "ImportFailure";

  /**
   * @param cause What was thrown.
   * @param refusal The import to blame, where it is known.
   * @param files The paths of the file and of all that it imports, as far as they are known.
   * @param imports All imports of these.
   */
  constructor(
    override readonly cause: unknown,
    readonly refusal: Refusal | null,
    readonly files: ReadonlySet<string>,
    readonly imports: readonly ImportEdge[],
  ) {
    super("A plugin file could not be imported", { cause });
  }
}

/** What is known of a file. */
interface Source {
  /** A digest of its content; `null` when it is not there. */
  digest: string | null;
  /** The query of its URL; 0 for none. */
  version: number;
  /** Where its imports lead, by what it says. */
  readonly imports: Map<string, string>;
}

/**
 * All files that plugins on disk are made of. There is one such record, {@linkcode moduleVersions},
 * as there is one cache of modules in a process.
 */
export class ModuleVersions {
  readonly #sources = new Map<string, Source>();
  #version = 0;
  #hooked = false;
  /** Not `null` while a plugin file is being imported. */
  #refusals: Refusal[] | null = null;

  /** Finds out which files have changed: they, and what imports them, get a new version. */
  refresh(): void {
    const stale: string[] = [];
    for (const [path, source] of this.#sources) {
      const digest = digestOf(path);
      if (digest === source.digest) continue;
      source.digest = digest;
      stale.push(path);
    }
    this.#renew(stale);
  }

  /**
   * Imports a file.
   *
   * @param path Its absolute path.
   * @returns The module.
   * @throws {ImportFailure} When that is not possible.
   */
  async import(path: string): Promise<Readonly<Record<string, unknown>>> {
    if (!this.#hooked) registerHooks({ resolve: this.#resolve });
    this.#hooked = true;
    const source = this.#source(path);
    const refusals: Refusal[] = [];
    this.#refusals = refusals;
    try {
      return await import(urlOf(path, source.version));
    } catch (error) {
      const said = error instanceof Error ? error.message : "";
      const refusal = refusals.find(({ reason }) => said.includes(reason)) ?? null;
      this.#noteImports(path);
      const files = this.sourcesOf(path);
      throw new ImportFailure(error, refusal, files, this.#edgesOf(files));
    } finally {
      if (this.#refusals === refusals) this.#refusals = null;
    }
  }

  /**
   * What a file is made of.
   *
   * @param path Its absolute path.
   * @returns The paths of the file and of all that it imports, and they import, on disk.
   */
  sourcesOf(path: string): ReadonlySet<string> {
    const found = new Set<string>();
    const add = (path: string) => {
      const source = this.#sources.get(path);
      if (source === undefined || found.has(path)) return;
      found.add(path);
      for (const url of source.imports.values()) add(pathOf(url) ?? "");
    };
    add(path);
    return found;
  }

  /**
   * Whether a file imports this package, itself or through files that it imports. What does not
   * cannot have got its plugins from here.
   *
   * @param path Its absolute path.
   */
  importsPackage(path: string): boolean {
    return this.#edgesOf(this.sourcesOf(path)).some(({ url }) => isOwnSource(url));
  }

  /**
   * Gives files another chance: they are evaluated again when they are next imported, changed or
   * not. What failed for a reason outside of the files would fail for ever otherwise.
   *
   * @param failed The paths of files that could not be imported.
   * @param loaded Those of files that could: what these are made of stays as it is.
   */
  giveAnotherChance(failed: readonly string[], loaded: readonly string[]): void {
    const used = new Set(loaded.flatMap((path) => [...this.sourcesOf(path)]));
    const chances = failed.flatMap((path) => [...this.sourcesOf(path)]);
    this.#renew(chances.filter((path) => !used.has(path)));
  }

  /** Gives files, and all that import them, a version that there was not before. */
  #renew(stale: readonly string[]): void {
    if (stale.length === 0) return;
    const renewed = new Set(stale);
    // A set that grows while it is walked: importers of importers come too.
    for (const path of renewed) {
      for (const [importer, { imports }] of this.#sources) {
        for (const url of imports.values()) if (pathOf(url) === path) renewed.add(importer);
      }
    }
    this.#version++;
    for (const path of renewed) {
      const source = this.#source(path);
      source.version = this.#version;
      source.imports.clear();
    }
  }

  #source(path: string): Source {
    let source = this.#sources.get(path);
    if (source === undefined) {
      // Before it is imported: a change in between is then found at the next refresh.
      source = { digest: digestOf(path), version: 0, imports: new Map() };
      this.#sources.set(path, source);
    }
    return source;
  }

  /**
   * Notes what files import that the runtime did not come to ask about: from source it finds out
   * that a file is missing or broken before it asks.
   */
  #noteImports(path: string): void {
    for (const file of this.sourcesOf(path)) {
      const { imports } = this.#source(file);
      if (imports.size > 0) continue;
      for (const specifier of importsIn(file).filter(isRelative)) {
        const { href } = new URL(specifier, pathToFileURL(file));
        imports.set(specifier, href);
        if (this.#sources.has(fileURLToPath(href))) continue;
        this.#source(fileURLToPath(href));
        this.#noteImports(fileURLToPath(href));
      }
    }
  }

  #edgesOf(files: ReadonlySet<string>): ImportEdge[] {
    return Array.from(files).flatMap((parent) =>
      Array.from(this.#source(parent).imports, ([specifier, url]) => ({ parent, specifier, url }))
    );
  }

  /** Decides where the imports of plugin files lead, and has no say in any other. */
  readonly #resolve: ResolveHookSync = (specifier, context, next) => {
    const parent = context.parentURL === undefined ? null : pathOf(context.parentURL);
    const source = parent === null ? undefined : this.#sources.get(parent);
    if (parent === null || source === undefined) return next(specifier, context);
    const own = packageModule(specifier);
    if (own !== null) {
      if (own.url === null) throw this.#refusal(specifier, parent, whyNot(specifier, parent, ""));
      source.imports.set(specifier, own.url);
      return { url: own.url, shortCircuit: true };
    }
    const { url } = next(specifier, context);
    source.imports.set(specifier, url);
    const path = pathOf(url);
    if (path === null || isOwnSource(url)) return { url, shortCircuit: true };
    if (!isPath(specifier)) {
      // In a compiled program an unknown package is taken for a file beside the importer.
      if (!isThere(path)) throw this.#refusal(specifier, parent, whyNot(specifier, parent, ""));
      return { url, shortCircuit: true };
    }
    const { version } = this.#source(path);
    const reason = whyNotFile(path, context.importAttributes["type"] === "json");
    if (reason !== null) {
      const message = `cannot import ${JSON.stringify(specifier)}: ${reason}`;
      throw this.#refusal(specifier, parent, message);
    }
    return { url: urlOf(path, version), shortCircuit: true };
  };

  /** An error for the runtime, which makes another error of it: what matters is kept aside. */
  #refusal(specifier: string, parent: string, reason: string): Error {
    this.#refusals?.push({ parent, specifier, reason });
    return new Error(reason);
  }
}

/** The record of this process. */
export const moduleVersions: ModuleVersions = new ModuleVersions();

/** Whether a module is part of this package, and thus the same for all who import it. */
function isOwnSource(url: string): boolean {
  const root = new URL("..", import.meta.url).href;
  return ["mod.ts", "plugins/", "protocol/", "runner/"].some((part) => url.startsWith(root + part));
}

function isRelative(specifier: string): boolean {
  return /^\.{1,2}\//.test(specifier);
}

function digestOf(path: string): string | null {
  try {
    return createHash("sha256").update(Deno.readFileSync(path)).digest("base64");
  } catch {
    return null;
  }
}

function urlOf(path: string, version: number): string {
  const { href } = pathToFileURL(path);
  return version === 0 ? href : `${href}?v=${version}`;
}

function pathOf(url: string): string | null {
  return url.startsWith("file:") ? fileURLToPath(url) : null;
}
