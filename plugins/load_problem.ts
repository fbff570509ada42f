/**
 * Why a plugin file cannot be imported: place and reason, out of what the runtime says.
 *
 * It says one thing in many ways. A program that was compiled shows a parser's inner state, one
 * that runs from source a sentence with a picture, and neither says which import was not found.
 *
 * @module
 */

import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

import { messageOf } from "../protocol/errors.ts";
import { whyNot } from "./import_rules.ts";
import type { ImportFailure } from "./module_versions.ts";
import { importAt, type Place, placeAt, placeOfByte, placeOfImport } from "./source_place.ts";

/** What is wrong with a plugin file. */
export interface Explanation {
  /** Where; `null` when nobody knows. */
  readonly place: Place | null;
  /** What. */
  readonly reason: string;
}

/**
 * Says why a plugin file could not be imported.
 *
 * @param failure What importing it threw.
 * @returns The reason, and its place.
 */
export async function explain(failure: ImportFailure): Promise<Explanation> {
  const { cause, refusal } = failure;
  if (refusal !== null) {
    return { place: placeOfImport(refusal.parent, refusal.specifier), reason: refusal.reason };
  }
  const message = stripVTControlCharacters(messageOf(cause));
  const known = parseError(message) ?? await compileError(cause);
  if (known !== null) return known;
  const place = frameIn(failure.files, cause);
  const imported = place === null ? importError(failure, message) : null;
  return imported ?? { place, reason: `it fails when it is imported: ${nameAndMessage(cause)}` };
}

/** What the parser has to say of a file that is not TypeScript. */
function parseError(message: string): Explanation | null {
  // From source: a sentence, a picture, the place, and then perhaps that of the import.
  const shown = /^SyntaxError: (.+)\n[^]*?\n {4}at (file:\S+?):(\d+):(\d+)$/m.exec(message);
  if (shown !== null) {
    const [, reason = "", url, line, column] = shown;
    return { place: placeAt(url, line, column), reason: `syntax error: ${reason}` };
  }
  const state = /ParseDiagnosticInner \{.*? path: "(.+?)", query.*? start: SourcePos\((\d+)\)/
    .exec(message);
  if (state === null) return null;
  const [, path = "", offset] = state;
  const kind = / kind: (.+?), source: SourceTextInfo/.exec(message)?.[1] ?? "";
  return {
    place: placeOfByte(fileURLToPath(`file://${path}`), Number(offset)),
    reason: `syntax error: ${KINDS[kind] ?? inWords(kind)}`,
  };
}

/** The commonest errors that the parser has only a number for. */
const KINDS: Readonly<Record<string, string>> = {
  TS1002: "unterminated text",
  TS1003: "a name is expected",
  TS1005: "a token is missing",
  TS1109: "an expression is expected",
  TS1110: "a type is expected",
  TS1128: "a statement is expected",
  Eof: "the file ends too early",
};

/** `Expected(";", "x")`, `UnterminatedStrLit` and the like. */
function inWords(kind: string): string {
  const [, expected, got] = /^Expected\("(.+)", "(.+)"\)$/.exec(kind) ?? [];
  if (expected !== undefined) return `expected ${expected}, got ${got}`;
  const unexpected = /^Unexpected \{ got: "(.+)", expected: "(.+)" \}$/.exec(kind);
  if (unexpected !== null) return `expected ${unexpected[2]}, got ${unexpected[1]}`;
  return kind.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

/** What the engine has to say of code that could be parsed, or of imports that do not fit. */
async function compileError(cause: unknown): Promise<Explanation | null> {
  if (!(cause instanceof SyntaxError)) return null;
  const found = /^([^]+) at (file:\S+?):(\d+):(\d+)$/.exec(cause.message);
  if (found === null) return null;
  const [, reason = "", url = "", line, column] = found;
  const path = fileURLToPath(url);
  const specifier = /^The requested module '(.+)' does not provide an export/.exec(reason)?.[1];
  if (specifier !== undefined) return { place: placeOfImport(path, specifier), reason };
  const isExact = !path.endsWith(".ts");
  const place = isExact ? placeAt(path, line, column) : await placeInTypeScript(path, reason);
  return { place, reason: `syntax error: ${reason}` };
}

/**
 * Where an error is in a TypeScript file. The engine knows the place in the JavaScript that was
 * made of it, which may be another line. Where types are replaced by spaces, places stay the same.
 */
async function placeInTypeScript(path: string, reason: string): Promise<Place | null> {
  try {
    const code = stripTypeScriptTypes(Deno.readTextFileSync(path));
    // What cannot be imported keeps it from running, should it compile.
    await import(`data:text/javascript,${encodeURIComponent(`${code}\nimport "never:";`)}`);
  } catch (error) {
    const message = messageOf(error);
    const [, line, column] = /:(\d+):(\d+)$/.exec(message) ?? [];
    if (message.startsWith(reason)) return placeAt(path, line, column);
  }
  return null;
}

/** An import that does not lead to a module. */
function importError({ cause, imports }: ImportFailure, message: string): Explanation | null {
  if (!(cause instanceof TypeError)) return null;
  const [first = ""] = message.split("\n");
  const [, url, line, column] = /\n {4}at (file:\S+?):(\d+):(\d+)$/.exec(message) ?? [];
  const place = placeAt(url, line, column);
  const specifier = place === null ? null : importAt(place);
  if (place !== null && specifier !== null) {
    return { place, reason: whyNot(specifier, place.path, first) };
  }
  const blamed = imports.find((edge) => isAbout(message, edge.specifier, edge.url));
  if (blamed === undefined) return null;
  return {
    place: placeOfImport(blamed.parent, blamed.specifier),
    reason: whyNot(blamed.specifier, blamed.parent, first),
  };
}

/** Whether a message that names no place speaks of an import. */
function isAbout(message: string, specifier: string, url: string): boolean {
  const name = /^npm:\/?((?:@[^/]+\/)?[^/@]+)/.exec(specifier)?.[1];
  return message.includes(url) || message.includes(`"${specifier}"`) ||
    name !== undefined && message.includes(`'${name}'`);
}

function nameAndMessage(cause: unknown): string {
  const [first = ""] = stripVTControlCharacters(messageOf(cause)).split("\n");
  return cause instanceof Error && cause.name !== "Error" ? `${cause.name}: ${first}` : first;
}

/** Where code of some files threw an error: the first frame of its stack that is in one of them. */
function frameIn(files: ReadonlySet<string>, cause: unknown): Place | null {
  if (!(cause instanceof Error)) return null;
  const { stack = "", message } = cause;
  // The message may name places, too: those of imports.
  const frames = stack.slice(stack.indexOf(message) + message.length);
  for (const [, url, line, column] of frames.matchAll(/(file:\/\/\S+?):(\d+):(\d+)/g)) {
    const place = placeAt(url, line, column);
    if (place !== null && files.has(place.path)) return place;
  }
  return null;
}
