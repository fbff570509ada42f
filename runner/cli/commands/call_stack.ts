/**
 * The part of a stack that is about a plugin's own files.
 *
 * @module
 */

import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the runner's own files are, also in a compiled binary. */
const PACKAGE = new URL("../../../", import.meta.url).href;

/** The folders in it whose frames say nothing to a plugin's author. */
const OWN = ["plugins/", "protocol/", "runner/"].map((folder) => PACKAGE + folder);

/**
 * The frames of a stack until the runner's own begin, with paths as one would type them.
 *
 * @param stack What JavaScript shows of an error.
 * @returns Lines: `at check (plugins/geo.ts:12:7)`.
 */
export function ownFrames(stack: string): string[] {
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  const end = frames.findIndex((frame) => OWN.some((folder) => frame.includes(folder)));
  return (end < 0 ? frames : frames.slice(0, end)).map((frame) =>
    frame.trim().replace(/file:\/\/[^\s()]+?(?=:\d+:\d+)/, shownPath)
  );
}

function shownPath(url: string): string {
  const path = fileURLToPath(url.replace(/[?#].*$/, ""));
  const here = relative(Deno.cwd(), path);
  return here.startsWith("..") ? path : here;
}
