/**
 * Noticing that plugin files have changed.
 *
 * @module
 */

import { dirname, resolve } from "node:path";

import { messageOf } from "../protocol/errors.ts";
import type { Logger } from "./logger.ts";

/** How long nothing must happen before a reload, in milliseconds: a save is several events. */
const QUIET_MS = 100;

/** How long a reload waits for that at most, in milliseconds. */
const MAX_WAIT_MS = 1000;

/**
 * How often to see whether the folders are still the same, in milliseconds. Events do not tell of
 * a folder that is replaced by another, or of a link to one that leads somewhere else.
 */
const LOOK_MS = 1000;

/** What is watched, and what follows. */
export interface PluginWatchOptions {
  /** The folders and files that plugins are loaded from. */
  readonly paths: readonly string[];
  /** Gives the absolute paths of all files that the plugins are made of. */
  readonly sources: () => readonly string[];
  /** Loads what has changed; not called again before it has settled. */
  readonly reload: () => Promise<void>;
  /** Where it is said that watching is not possible. */
  readonly log: Logger;
}

/** Watches plugin files. */
export class PluginWatch {
  readonly #options: PluginWatchOptions;
  readonly #looking: ReturnType<typeof setInterval>;
  #watcher: Deno.FsWatcher | null = null;
  /** What is watched, with the identity of each folder. */
  #watched = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the first of the events came that are not taken up yet. */
  #since: number | null = null;
  #reloading: Promise<void> | null = null;
  #warned = false;
  #closed = false;

  /** @param options What is watched; from now on. */
  constructor(options: PluginWatchOptions) {
    this.#options = options;
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
    Deno.unrefTimer(this.#looking);
    this.#look();
  }

  /** Ends watching; settles when the last reload has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#looking);
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#watcher = null;
    await this.#reloading;
  }

  /** Watches other folders, if they have become others. What was missed meanwhile is looked for. */
  #look(): void {
    const folders = this.#folders();
    const watched = Array.from(folders, ([folder, identity]) => `${identity} ${folder}`).join("\n");
    if (watched === this.#watched && this.#watcher !== null) return;
    this.#watched = watched;
    this.#watcher?.close();
    this.#watcher = null;
    // What happened while nobody watched.
    this.#changed();
    try {
      this.#watcher = Deno.watchFs([...folders.keys()], { recursive: false });
      this.#follow(this.#watcher);
    } catch (error) {
      this.#cannotWatch(error);
    }
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const { kind } of watcher) {
        // To read a file is an event, too.
        if (kind !== "access") this.#changed();
      }
    } catch (error) {
      this.#watcher = null;
      this.#cannotWatch(error);
    }
  }

  /** Without a watcher every look is followed by a reload. */
  #cannotWatch(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#options.log.warn(
      `Cannot watch the plugin files: ${messageOf(error)}. Looking at them every second instead`,
    );
  }

  #changed(): void {
    const now = performance.now();
    this.#since ??= now;
    clearTimeout(this.#timer);
    const wait = Math.min(QUIET_MS, this.#since + MAX_WAIT_MS - now);
    this.#timer = setTimeout(() => this.#reload(), Math.max(0, wait));
  }

  async #reload(): Promise<void> {
    if (this.#reloading !== null) {
      await this.#reloading;
      if (!this.#closed) this.#changed();
      return;
    }
    this.#since = null;
    this.#reloading = this.#reloadNow();
    await this.#reloading;
    this.#reloading = null;
    // Without a watcher the next look comes by itself, a second later.
    if (!this.#closed && this.#watcher !== null) this.#look();
  }

  async #reloadNow(): Promise<void> {
    try {
      await this.#options.reload();
    } catch (error) {
      this.#options.log.error(`The plugins could not be reloaded: ${messageOf(error)}`);
    }
  }

  /**
   * The folders in which something can change, each with what tells it from another. They are named
   * without links: of a folder behind a link no events come.
   */
  #folders(): Map<string, string> {
    const { paths, sources } = this.#options;
    const folders = new Map<string, string>();
    const add = (folder: string) => {
      const info = statOrNull(folder);
      if (info?.isDirectory === true) folders.set(realPathOr(folder), `${info.dev}:${info.ino}`);
    };
    for (const path of paths) {
      const isFolder = statOrNull(path)?.isDirectory === true;
      add(isFolder ? resolve(path) : dirname(resolve(path)));
    }
    for (const source of sources()) {
      add(dirname(source));
      // Of a link, where it leads.
      add(dirname(realPathOr(source)));
    }
    return folders;
  }
}

function statOrNull(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}

function realPathOr(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}
