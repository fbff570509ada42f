/**
 * What calls came to, for people.
 *
 * @module
 */

import type { LogLine } from "../../apisix/log_book.ts";
import type { Host } from "../command.ts";
import { columns, count, indented, LINE_WIDTH, type Style, styleOf, wrapped } from "../terminal.ts";
import type { DiffLine } from "./call_diff.ts";
import { headerLines, printable, requestDiff, responseDiff, responseLines } from "./call_lines.ts";
import type { CallGroup, CallOutcome, CallResult } from "./call_outcome.ts";
import { ownFrames } from "./call_stack.ts";
import { timesOf, timeText } from "./call_times.ts";

/**
 * Writes a report.
 *
 * @param result What was called, and what came of it.
 * @param host Where it is shown.
 * @returns Lines, with a newline at the end.
 */
export function callReport(result: CallResult, host: Host): string {
  const style = styleOf(host);
  const lines = result.groups.flatMap((group) => [...groupLines(group, result, style), ""]);
  return `${[...lines, footer(result, style)].join("\n")}\n`;
}

function groupLines(group: CallGroup, result: CallResult, style: Style): string[] {
  const { outcome, count: calls, logs } = group;
  const share = `${calls} of ${result.calls} calls`;
  const text = verdict(outcome, result);
  const paint = outcome.type === "failed" ? style.bad : style.strong;
  return [
    ...wrapped(result.groups.length === 1 ? text : `${share}: ${inSentence(text)}`, LINE_WIDTH)
      .map(paint),
    ...sections([seen(outcome, result, style), logLines(logs, outcome, result, style)]),
  ];
}

/** Puts an empty line before each part that there is. */
function sections(parts: readonly (readonly string[])[]): string[] {
  return parts.flatMap((part) => part.length === 0 ? [] : ["", ...part]);
}

function verdict(outcome: CallOutcome, { request, upstream, phase }: CallResult): string {
  switch (outcome.type) {
    case "stopped":
      return `${outcome.answeredBy ?? "A plugin"} answers. The upstream gets nothing, the client ` +
        "gets:";
    case "passed":
      return isChanged(requestDiff(request, outcome.request))
        ? "The request goes on, changed. The upstream gets:"
        : "The request goes on as it is. The upstream gets:";
    case "responded":
      if (outcome.answeredBy !== null) {
        return `${outcome.answeredBy} replaces the response. The client gets:`;
      }
      return isChanged(responseDiff(upstream, outcome.response))
        ? "The response is changed. The client gets:"
        : "The response goes on as it is. The client gets:";
    case "failed":
      return phase === "post-resp"
        ? "The call fails. The client gets 503 with the upstream's body:"
        : "The call fails. The client gets 503, the upstream nothing:";
  }
}

/** Behind a colon; names of plugins stay as they are. */
function inSentence(text: string): string {
  return text.replace(/^(The|A) /, (word) => word.toLowerCase());
}

function seen(outcome: CallOutcome, { request, upstream }: CallResult, style: Style): string[] {
  switch (outcome.type) {
    case "stopped":
      return diffText(responseLines(outcome.response), style);
    case "passed":
      return [
        ...diffText(requestDiff(request, outcome.request), style),
        ...addedHeaders(headerLines(outcome.responseHeaders), style),
      ];
    case "responded":
      return diffText(responseDiff(upstream, outcome.response), style);
    case "failed":
      return [
        ...indented(wrapped(printable(outcome.message), LINE_WIDTH - 2), 2),
        ...indented(ownFrames(outcome.stack ?? ""), 6).map(style.dim),
      ];
  }
}

function addedHeaders(lines: readonly string[], style: Style): string[] {
  if (lines.length === 0) return [];
  return [
    "",
    style.strong("The client's response will also have:"),
    "",
    ...diffText(lines.map((text) => ({ change: "added", text })), style),
  ];
}

function diffText(lines: readonly DiffLine[], { good, bad }: Style): string[] {
  return lines.map(({ change, text }) => {
    if (change === "added") return good(`+ ${text}`.trimEnd());
    return change === "removed" ? bad(`- ${text}`.trimEnd()) : `  ${text}`.trimEnd();
  });
}

function logLines(
  logs: readonly LogLine[],
  outcome: CallOutcome,
  { plugins }: CallResult,
  style: Style,
): string[] {
  const said = outcome.type === "failed" ? outcome.message : null;
  const lines = logs.filter(({ message }) => message !== said);
  if (lines.length === 0) return [];
  const isChain = new Set(plugins).size > 1;
  return [
    style.strong("Log:"),
    ...columns(lines.map((line) => [
      levelPaint(line, style)(line.level),
      logText(line, isChain, style),
    ])),
  ];
}

function logText({ message, plugin, fields }: LogLine, isChain: boolean, style: Style): string {
  const values = Object.entries(fields)
    .filter(([name]) => name !== "stack" && name !== "key")
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const whose = isChain && plugin !== null ? `${plugin}: ` : "";
  const text = printable(whose + message);
  return text + (values.length === 0 ? "" : style.dim(`  ${printable(values.join(" "))}`));
}

function levelPaint({ level }: LogLine, { bad, warning, dim }: Style): (text: string) => string {
  if (level === "error") return bad;
  if (level === "warn") return warning;
  return level === "debug" ? dim : (text) => text;
}

function footer({ phase, plugins, times }: CallResult, { dim }: Style): string {
  const { min, median, p99 } = timesOf(times);
  const parts = times.length <= 1 ? times.map((ms) => `${timeText(ms)} for the first call`) : [
    count(times.length, "call"),
    `min ${timeText(min)}`,
    `median ${timeText(median)}`,
    `p99 ${timeText(p99)}`,
  ];
  return dim([`ext-plugin-${phase}: ${plugins.join(" → ")}`, ...parts].join(", "));
}

function isChanged(lines: readonly DiffLine[]): boolean {
  return lines.some(({ change }) => change !== "same");
}
