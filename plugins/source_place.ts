/**
 * Places in source files, for error messages.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

import { encodeText } from "../protocol/text.ts";

/** A place in a file. */
export interface Place {
  /** The absolute path. */
  readonly path: string;
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1, in characters of JavaScript. */
  readonly column: number;
}

/**
 * The place that the runtime names.
 *
 * @param file A path, or the URL of a file.
 * @param line The line in digits.
 * @param column The column in digits.
 * @returns The place; `null` when something is missing.
 */
export function placeAt(
  file: string | undefined,
  line: string | undefined,
  column: string | undefined,
): Place | null {
  if (file === undefined || line === undefined || column === undefined) return null;
  const path = file.startsWith("file:") ? fileURLToPath(file) : file;
  return { path, line: Number(line), column: Number(column) };
}

/**
 * The place of a byte.
 *
 * @param path The file.
 * @param offset The number of bytes before it.
 * @returns The place; `null` when the file cannot be read.
 */
export function placeOfByte(path: string, offset: number): Place | null {
  const text = textOf(path);
  if (text === null) return null;
  const before = new TextDecoder().decode(encodeText(text).subarray(0, offset));
  return placeBehind(path, before);
}

/**
 * The place of an import in the file that it is in.
 *
 * @param path The file.
 * @param specifier What it imports, as it says so.
 * @returns Where that stands; `null` when it is not found: it may have been put together.
 */
export function placeOfImport(path: string, specifier: string): Place | null {
  const quoted = `["']${RegExp.escape(specifier)}["']`;
  return placeOf(path, new RegExp(`(?:\\bfrom|\\bimport)\\s*\\(?\\s*(?=${quoted})`));
}

/**
 * The place of a text in a file.
 *
 * @param path The file.
 * @param pattern What comes before the place.
 * @returns The first place behind such a text; `null` when there is none.
 */
export function placeOf(path: string, pattern: RegExp): Place | null {
  const text = textOf(path);
  const found = text === null ? null : pattern.exec(text);
  if (text === null || found === null) return null;
  return placeBehind(path, text.slice(0, found.index + found[0].length));
}

/**
 * What a file imports, as far as that stands there in so many words.
 *
 * @param path The file.
 * @returns The specifiers; none when it cannot be read.
 */
export function importsIn(path: string): string[] {
  const found = (textOf(path) ?? "").matchAll(
    /(?:\bfrom|\bimport)\s*\(?\s*(["'])([^"'\n]+)\1/g,
  );
  return Array.from(found, ([, , specifier = ""]) => specifier);
}

/**
 * What is imported at a place.
 *
 * @param place The place of an import, as the runtime names it.
 * @returns What the file says there; `null` when that is no import.
 */
export function importAt({ path, line, column }: Place): string | null {
  const text = textOf(path)?.split("\n")[line - 1] ?? "";
  return /^(["'])(.+?)\1/.exec(text.slice(column - 1))?.[2] ?? null;
}

function placeBehind(path: string, before: string): Place {
  const lines = before.split("\n");
  return { path, line: lines.length, column: (lines.at(-1) ?? "").length + 1 };
}

function textOf(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
}
