/**
 * What checking a file finds, with its place.
 *
 * @module
 */

import { type Document, type Path, pathText } from "../document.ts";
import type { Finding, Level } from "../finding.ts";

/** A finding in a file. */
export interface CheckFinding extends Finding {
  /** The file, as it was named. */
  readonly file: string;
  /** The line, from 1; `null` when it cannot be told. */
  readonly line: number | null;
  /** The plugin that it is about; `null` when it is about none. */
  readonly plugin: string | null;
}

/** What was found at a place of a document. */
export interface Found {
  /** How bad it is. */
  readonly level: Level;
  /** Where. */
  readonly path: Path;
  /** The plugin that it is about; absent when it is about none. */
  readonly plugin?: string;
  /** What was seen. */
  readonly seen: string;
  /** What to do about it. */
  readonly todo?: string;
}

/**
 * Puts a finding into its file.
 *
 * @param file The file.
 * @param document The document in it.
 * @param found What was found.
 */
export function findingIn(file: string, document: Document, found: Found): CheckFinding {
  const { level, path, plugin = null, seen, todo } = found;
  const line = document.lineOf(path);
  const place = pathText(path);
  const about = line === null ? place : `${place}${place === "" ? "" : " "}(line ${line})`;
  return { level, about, seen, file, line, plugin, ...todo === undefined ? {} : { todo } };
}
