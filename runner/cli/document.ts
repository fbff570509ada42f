/**
 * Files of JSON or YAML, with the line of everything in them.
 *
 * @module
 */

import type { Document as YamlDocument, LineCounter } from "yaml";

/** The way to a value: names and indexes. */
export type Path = readonly (string | number)[];

/** One document of a file. */
export interface Document {
  /** What it holds. */
  readonly value: unknown;
  /**
   * The line on which a value begins.
   *
   * @param path The way to it.
   * @returns The line, from 1; `null` when it cannot be told.
   */
  lineOf(path: Path): number | null;
}

/** A text that is neither JSON nor YAML. */
export class DocumentError extends Error {
  override readonly name = "DocumentError";

  /**
   * @param message What is wrong.
   * @param line Where, from 1; `null` when it cannot be told.
   */
  constructor(message: string, readonly line: number | null) {
    super(message);
  }
}

/**
 * Reads a text.
 *
 * @param text JSON, or YAML: several documents then.
 * @param isJson Whether it must be JSON.
 * @returns The documents; none when the text is empty.
 * @throws {DocumentError} When it cannot be read.
 */
export async function parseDocuments(text: string, isJson: boolean): Promise<Document[]> {
  // Only few commands need it, and the runner starts faster without.
  const { LineCounter, parseAllDocuments } = await import("yaml");
  const lines = new LineCounter();
  const json = isJson ? [parseJson(text)] : null;
  const parsed = parseAllDocuments(text, {
    // What APISIX reads YAML with takes "yes" for true.
    version: "1.1",
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: json === null,
  });
  const documents = [...parsed];
  if (json !== null) {
    const [value] = json;
    return [{ value, lineOf: (path) => lineIn(documents[0], path, lines) }];
  }
  return documents.map((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      throw new DocumentError(error.message, lines.linePos(error.pos[0]).line);
    }
    return { value: document.toJS(), lineOf: (path: Path) => lineIn(document, path, lines) };
  });
}

/**
 * Writes a path as people read it.
 *
 * @param path The path.
 * @returns For example `plugins.ext-plugin-pre-req.conf[0].value`.
 */
export function pathText(path: Path): string {
  return path.map((part, i) =>
    typeof part === "number" ? `[${part}]` : `${i === 0 ? "" : "."}${part}`
  ).join("");
}

function lineIn(document: YamlDocument | undefined, path: Path, lines: LineCounter): number | null {
  // A path that leads nowhere has the line of the last that it passes.
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = document?.getIn(path.slice(0, length), true);
    const start = startOf(node);
    if (start !== null) return lines.linePos(start).line;
  }
  return null;
}

function startOf(node: unknown): number | null {
  if (typeof node !== "object" || node === null || !("range" in node)) return null;
  const { range } = node;
  return Array.isArray(range) && typeof range[0] === "number" ? range[0] : null;
}

/** V8 quotes the text in its message, and that may hold secrets. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const at = /at position (\d+)/.exec(String(error))?.[1];
    const before = at === undefined ? null : text.slice(0, Number(at));
    const line = before === null ? null : before.split("\n").length;
    throw new DocumentError(
      "it is not valid JSON",
      line ?? (text.trim() === "" ? null : lastLine(text)),
    );
  }
}

function lastLine(text: string): number {
  return text.trimEnd().split("\n").length;
}
