/**
 * Text for terminals: colours where they are welcome, columns that line up, lines that fit.
 *
 * @module
 */

import type { Host } from "./command.ts";

/** Where lines are broken, in characters. */
export const LINE_WIDTH = 100;

/** Puts a text into a colour; leaves it alone where colours are not welcome. */
export type Paint = (text: string) => string;

/** The colours of the command line, each for one meaning. */
export interface Style {
  /** A heading, or what matters in a line. */
  readonly strong: Paint;
  /** What is less important than what stands beside it. */
  readonly dim: Paint;
  /** All is well. */
  readonly good: Paint;
  /** Somebody should look at it. */
  readonly warning: Paint;
  /** It does not work. */
  readonly bad: Paint;
  /** What the user can type, or has named. */
  readonly name: Paint;
}

const plain: Paint = (text) => text;

const PLAIN: Style = {
  strong: plain,
  dim: plain,
  good: plain,
  warning: plain,
  bad: plain,
  name: plain,
};

const COLOURED: Style = {
  strong: sgr(1, 22),
  dim: sgr(2, 22),
  good: sgr(32, 39),
  warning: sgr(33, 39),
  bad: sgr(31, 39),
  name: sgr(36, 39),
};

/**
 * The style for standard output: colours on a terminal only, and not with NO_COLOR (no-color.org).
 *
 * @param host Where the program runs.
 */
export function styleOf(host: Pick<Host, "isTerminal" | "env">): Style {
  const isWelcome = host.isTerminal && (host.env("NO_COLOR") ?? "") === "" &&
    host.env("TERM") !== "dumb";
  return isWelcome ? COLOURED : PLAIN;
}

/**
 * Pairs in two columns, the right one broken into lines that fit.
 *
 * @param pairs What stands left and right; the left side may be coloured.
 * @param indent Spaces before each line.
 * @returns The lines.
 */
export function columns(
  pairs: readonly (readonly [left: string, right: string])[],
  indent: number = 2,
): string[] {
  const width = Math.max(0, ...pairs.map(([left]) => visibleLength(left)));
  const margin = " ".repeat(indent + width + 2);
  return pairs.flatMap(([left, right]) => {
    const padded = " ".repeat(indent) + left + " ".repeat(width - visibleLength(left) + 2);
    return wrapped(right, LINE_WIDTH - margin.length)
      .map((line, i) => `${i === 0 ? padded : margin}${line}`.trimEnd());
  });
}

/**
 * Breaks a text into lines between its words.
 *
 * @param text The text; its own line breaks stay.
 * @param width Characters a line may have; a longer word has a line of its own.
 * @returns The lines, at least one.
 */
export function wrapped(text: string, width: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    let line: string | null = null;
    for (const word of paragraph.split(" ")) {
      if (line === null) line = word;
      else if (visibleLength(line) + 1 + visibleLength(word) <= width) line += ` ${word}`;
      else {
        lines.push(line);
        line = word;
      }
    }
    return [...lines, line ?? ""];
  });
}

/**
 * Puts spaces before lines.
 *
 * @param lines The lines.
 * @param spaces How many.
 */
export function indented(lines: readonly string[], spaces: number): string[] {
  return lines.map((line) => (line === "" ? "" : " ".repeat(spaces) + line));
}

/**
 * A number of things: `1 plugin`, `2 plugins`.
 *
 * @param number How many.
 * @param one What one is called.
 * @param many What several are called; `one` and an s when absent.
 */
export function count(number: number, one: string, many: string = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function visibleLength(text: string): number {
  // deno-lint-ignore no-control-regex -- the sequences that colours are made of
  return text.replace(/\x1b\[[0-9;]*m/g, "").length;
}

function sgr(on: number, off: number): Paint {
  return (text) => (text === "" ? "" : `\x1b[${on}m${text}\x1b[${off}m`);
}
