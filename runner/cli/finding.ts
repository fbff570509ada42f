/**
 * What commands find out, and how they report it.
 *
 * @module
 */

import type { Host } from "./command.ts";
import { count, indented, LINE_WIDTH, type Style, styleOf, wrapped } from "./terminal.ts";

/** How bad it is. */
export type Level = "ok" | "warning" | "problem";

/** One thing that was looked at. */
export interface Finding {
  /** How bad it is. */
  readonly level: Level;
  /** What was looked at: a word, or a place in a file. */
  readonly about: string;
  /** What was seen there. */
  readonly seen: string;
  /** What to do about it; absent when nothing is to be done. */
  readonly todo?: string;
}

/** The width of the longest level, and a gap. */
const LEVEL_WIDTH = 9;

/**
 * Findings as a table: level, topic, and what was seen beside them.
 *
 * @param findings The findings.
 * @param host Where it is shown.
 * @returns The lines.
 */
export function findingTable(findings: readonly Finding[], host: Host): string[] {
  const style = styleOf(host);
  const width = Math.max(0, ...findings.map(({ about }) => about.length)) + 2;
  const margin = LEVEL_WIDTH + width;
  return findings.flatMap((finding) => {
    const { level, about, seen } = finding;
    const [first = "", ...rest] = wrapped(seen, LINE_WIDTH - margin);
    const left = paint(level, style)(level) + " ".repeat(LEVEL_WIDTH - level.length);
    return [
      left + style.strong(about) + " ".repeat(width - about.length) + first,
      ...indented([...rest, ...todoLines(finding, LINE_WIDTH - margin, style)], margin),
    ];
  });
}

/**
 * Findings as paragraphs: for topics that are long, like places in a file.
 *
 * @param findings The findings.
 * @param host Where it is shown.
 * @returns The lines.
 */
export function findingList(findings: readonly Finding[], host: Host): string[] {
  const style = styleOf(host);
  return findings.flatMap((finding) => {
    const { level, about, seen } = finding;
    const left = paint(level, style)(level) + " ".repeat(LEVEL_WIDTH - level.length);
    if (level === "ok" && about !== "") return [`${left}${about}: ${seen}`];
    const lines = [
      ...(about === "" ? [] : [style.strong(about)]),
      ...wrapped(seen, LINE_WIDTH - LEVEL_WIDTH),
      ...todoLines(finding, LINE_WIDTH - LEVEL_WIDTH, style),
    ];
    return lines.map((line, i) => (i === 0 ? left : " ".repeat(LEVEL_WIDTH)) + line);
  });
}

/**
 * How many findings there are of each kind that matters.
 *
 * @param findings The findings.
 * @param host Where it is shown.
 * @returns A line, for example `1 problem, 2 warnings`.
 */
export function summary(findings: readonly Finding[], host: Host): string {
  const { good, warning, bad } = styleOf(host);
  const problems = numberOf("problem", findings);
  const warnings = numberOf("warning", findings);
  const parts = [
    ...(problems > 0 ? [bad(count(problems, "problem"))] : []),
    ...(warnings > 0 ? [warning(count(warnings, "warning"))] : []),
  ];
  return parts.length === 0 ? good("no problem found") : parts.join(", ");
}

/**
 * How many findings are of a level.
 *
 * @param level The level.
 * @param findings The findings.
 */
export function numberOf(level: Level, findings: readonly Finding[]): number {
  return findings.filter((finding) => finding.level === level).length;
}

function todoLines({ todo }: Finding, width: number, { name }: Style): string[] {
  if (todo === undefined) return [];
  return wrapped(todo, width - 2).map((
    line,
    i,
  ) => (i === 0 ? `${name("→")} ${line}` : `  ${line}`));
}

function paint(level: Level, { good, warning, bad }: Style): (text: string) => string {
  return { ok: good, warning, problem: bad }[level];
}
