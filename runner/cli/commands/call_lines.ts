/**
 * HTTP messages as lines, and what differs between two of them.
 *
 * @module
 */

import type { HttpRequest, HttpResponse, Pair } from "../../apisix/http.ts";
import { statusText } from "../../apisix/status_text.ts";
import { count } from "../terminal.ts";
import { type DiffLine, diffLines } from "./call_diff.ts";

/** Of more lines of a body in a row that are all the same, removed or added, some are left out. */
const MAX_RUN = { same: 16, removed: 24, added: 24 };

/** How many of them stay at the beginning and at the end. */
const KEPT_LINES = 4;

/** Of a longer line the rest is left out, in characters. */
const MAX_LINE_LENGTH = 2000;

/** How many characters stay before the place where two long lines begin to differ. */
const KEPT_CHARACTERS = 40;

/** A message in three parts. */
interface Parts {
  readonly start: string;
  readonly headers: readonly Pair[];
  readonly body: Uint8Array;
}

/**
 * What differs between two requests.
 *
 * @param before What the client sent.
 * @param after What the upstream gets.
 * @returns All lines of both; those of bodies only as far as they are of interest.
 */
export function requestDiff(before: HttpRequest, after: HttpRequest): DiffLine[] {
  return messageDiff(requestParts(before), requestParts(after));
}

/**
 * What differs between two responses.
 *
 * @param before What the upstream sent.
 * @param after What the client gets.
 * @returns All lines of both; those of bodies only as far as they are of interest.
 */
export function responseDiff(before: HttpResponse, after: HttpResponse): DiffLine[] {
  return messageDiff(responseParts(before), responseParts(after));
}

/**
 * A response as lines.
 *
 * @param response The response.
 */
export function responseLines(response: HttpResponse): DiffLine[] {
  return responseDiff(response, response);
}

/**
 * Headers as lines.
 *
 * @param headers The headers.
 */
export function headerLines(headers: readonly Pair[]): string[] {
  return headerTexts(headers).map((text) => shown(text, 0));
}

/**
 * The text of a body.
 *
 * @param body The body.
 * @returns The text; `null` when it is none.
 */
export function textOf(body: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
    // deno-lint-ignore no-control-regex -- no text has such characters
    return /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

function messageDiff(before: Parts, after: Parts): DiffLine[] {
  const bodies = bodyDiff(before.body, after.body);
  const lines: DiffLine[] = [
    ...diffLines([before.start], [after.start]),
    ...diffLines(headerTexts(before.headers), headerTexts(after.headers)),
    ...bodies.length === 0 ? [] : [{ change: "same" as const, text: "" }, ...bodies],
  ];
  return lines.map((line, i) => ({ ...line, text: shown(line.text, hiddenStart(lines, i)) }));
}

function requestParts({ method, target, headers, body }: HttpRequest): Parts {
  return { start: `${method} ${target}`, headers, body };
}

function responseParts({ status, headers, body }: HttpResponse): Parts {
  return { start: statusText(status), headers, body };
}

function headerTexts(headers: readonly Pair[]): string[] {
  return headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`);
}

function bodyDiff(before: Uint8Array, after: Uint8Array): DiffLine[] {
  const diff = diffLines(bodyLines(before, ""), bodyLines(after, ""));
  if (differs(diff) || areEqual(before, after)) return shortened(diff);
  const [old, now] = [bodyLines(before, "⏎"), bodyLines(after, "⏎")];
  const marked = diffLines(old, now);
  return shortened(
    differs(marked) ? marked : [
      ...old.map((text): DiffLine => ({ change: "removed", text })),
      ...now.map((text): DiffLine => ({ change: "added", text })),
    ],
  );
}

/** The lines of a body; `mark` stands for the end of the last, if it has one. */
function bodyLines(body: Uint8Array, mark: string): string[] {
  if (body.length === 0) return [];
  const text = textOf(body);
  if (text === null) return [`(${count(body.length, "byte")}, not text: ${hexStart(body)})`];
  return text.replace(/\n$/, mark).split("\n");
}

function differs(lines: readonly DiffLine[]): boolean {
  return lines.some(({ change }) => change !== "same");
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

function hexStart(body: Uint8Array): string {
  const hex = Array.from(body.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0"));
  return hex.join(" ") + (body.length > 16 ? " …" : "");
}

/** Of long runs of lines the middle is left out. */
function shortened(lines: readonly DiffLine[]): DiffLine[] {
  const result: DiffLine[] = [];
  for (let i = 0; i < lines.length;) {
    const change = lines[i]?.change ?? "same";
    const next = lines.findIndex((line, at) => at > i && line.change !== change);
    const run = lines.slice(i, next < 0 ? lines.length : next);
    const omitted = count(run.length - 2 * KEPT_LINES, "line");
    result.push(
      ...run.length <= MAX_RUN[change] ? run : [
        ...run.slice(0, KEPT_LINES),
        { change, text: `… ${omitted} …` },
        ...run.slice(-KEPT_LINES),
      ],
    );
    i += run.length;
  }
  return result;
}

/** What would move the cursor, or change colours. */
// deno-lint-ignore no-control-regex -- these characters are what it is about
const UNPRINTABLE = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/**
 * A text that a terminal can show: control characters become escapes.
 *
 * @param text The text; its tabs and line breaks stay.
 */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * How much of the start of a line is left out: where a long one is replaced by another, what both
 * begin with.
 */
function hiddenStart(lines: readonly DiffLine[], at: number): number {
  const line = lines[at];
  const other = lines[line?.change === "removed" ? at + 1 : at - 1];
  if (line === undefined || other === undefined) return 0;
  const isReplaced = line.change !== "same" && other.change !== "same" &&
    line.change !== other.change;
  if (!isReplaced || Math.max(line.text.length, other.text.length) <= MAX_LINE_LENGTH) return 0;
  let same = 0;
  while (same < line.text.length && line.text[same] === other.text[same]) same++;
  return Math.max(0, same - KEPT_CHARACTERS);
}

/** A line that is printable, and not without end. */
function shown(line: string, hidden: number): string {
  const end = hidden + MAX_LINE_LENGTH;
  const text = printable(line.slice(hidden, end).replace(/\r$/, ""));
  return (hidden > 0 ? "… " : "") + text +
    (line.length > end ? ` … (${line.length} characters)` : "");
}
