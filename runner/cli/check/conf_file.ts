/**
 * Files of configurations: an object with one for each plugin, or a `conf` array as routes have it.
 *
 * @module
 */

import type { Document } from "../document.ts";
import type { Found } from "./check_finding.ts";
import type { Checker } from "./configuration.ts";

/**
 * Checks the configurations of a document.
 *
 * @param document The document.
 * @param checker Knows the plugins.
 * @returns A finding for each configuration at least.
 */
export async function checkConf({ value }: Document, checker: Checker): Promise<Found[]> {
  const list = listIn(value);
  if (list !== null) {
    const [entries, path] = list;
    const found = entries.map((entry, i) => checker.entry(entry, [...path, i], null));
    return (await Promise.all(found)).flat();
  }
  if (typeof value !== "object" || value === null) {
    return [{
      level: "problem",
      path: [],
      seen: "there is neither an object nor a list in it",
      todo: 'Write {"say": {"body": "hello"}}, or a list as a route has it.',
    }];
  }
  const found = Object.entries(value)
    .map(([name, config]) => checker.configuration(name, config, [name]));
  return (await Promise.all(found)).flat();
}

/** The list, alone or as the whole attribute `conf`. */
function listIn(value: unknown): [readonly unknown[], readonly string[]] | null {
  if (Array.isArray(value)) return [value, []];
  if (typeof value !== "object" || value === null || !("conf" in value)) return null;
  return Array.isArray(value.conf) ? [value.conf, ["conf"]] : null;
}
