/**
 * Routes, services, global rules, plugin configs and consumers, as APISIX' Admin API, its
 * `apisix.yaml` and its ingress controller have them: every ext-plugin-* in them.
 *
 * @module
 */

import { basename } from "node:path";

import type { Document, Path } from "../document.ts";
import { didYouMean } from "../suggestion.ts";
import type { Found } from "./check_finding.ts";
import { type Checker, EXT_PLUGINS, type ExtPlugin } from "./configuration.ts";

/** The attributes that an ext-plugin has, and those that every plugin of APISIX has. */
const ATTRIBUTES = ["conf", "allow_degradation", "_meta"];

/** Plugins of APISIX that have no effect beside ext-plugin-post-resp (protocol.md §11). */
const SPOILT = ["proxy-control", "proxy-mirror", "proxy-cache"];

/** How near to its end APISIX looks for the mark of a complete `apisix.yaml`, in characters. */
const END_MARK = /#END\s{0,6}$/;

/** One use of an ext-plugin. */
interface Use {
  readonly phase: ExtPlugin;
  readonly attributes: unknown;
  readonly path: Path;
  /** The names of all plugins beside it. */
  readonly beside: readonly string[];
}

/**
 * Checks every ext-plugin-* in a document.
 *
 * @param document The document.
 * @param checker Knows the plugins.
 * @returns What was found; nothing when there is no ext-plugin in it.
 */
export async function checkRoute({ value }: Document, checker: Checker): Promise<Found[]> {
  const found: Found[] = [];
  for (const use of usesIn(value, [], [])) found.push(...await checkUse(use, checker));
  return found;
}

/**
 * What is wrong with a whole file.
 *
 * @param file Its name.
 * @param text What is in it.
 * @param found What was found in its documents.
 */
export function checkWhole(file: string, text: string, found: readonly Found[]): Found[] {
  return [
    ...found.length > 0 ? [] : [{
      level: "warning" as const,
      path: [],
      seen: `there is no ${EXT_PLUGINS.slice(0, 2).join(", ")} or ${EXT_PLUGINS[2]} in it`,
      todo: "Give a route, a service, a global rule, a plugin config or a consumer.",
    }],
    ...basename(file) !== "apisix.yaml" || END_MARK.test(text) ? [] : [{
      level: "problem" as const,
      path: [],
      seen: "it does not end with #END: APISIX ignores the whole file",
      todo: "Add a last line: #END",
    }],
  ];
}

function* usesIn(value: unknown, path: Path, above: readonly unknown[]): Generator<Use> {
  // An alias of YAML can lead back to what it is in.
  if (typeof value !== "object" || value === null || above.includes(value)) return;
  const parents = [...above, value];
  if (Array.isArray(value)) {
    for (const [i, one] of value.entries()) yield* usesIn(one, [...path, i], parents);
    return;
  }
  const entries = Object.entries(value);
  const beside = entries.map(([name]) => name);
  const named = namedUse(entries, path);
  if (named !== null) yield named;
  for (const [name, one] of entries) {
    const phase = EXT_PLUGINS.find((phase) => phase === name);
    if (phase !== undefined) yield { phase, attributes: one, path: [...path, name], beside };
    else yield* usesIn(one, [...path, name], parents);
  }
}

/** A plugin as the ingress controller has it: `{name, enable, config}`. */
function namedUse(entries: readonly (readonly [string, unknown])[], path: Path): Use | null {
  const of = (key: string) => entries.find(([name]) => name === key)?.[1];
  const phase = EXT_PLUGINS.find((phase) => phase === of("name"));
  if (phase === undefined || of("config") === undefined) return null;
  return { phase, attributes: of("config"), path: [...path, "config"], beside: [] };
}

async function checkUse(use: Use, checker: Checker): Promise<Found[]> {
  const { phase, attributes, path } = use;
  if (typeof attributes !== "object" || attributes === null || Array.isArray(attributes)) {
    return [problem(path, `${phase} is not an object`, 'Write {"conf": […]}.')];
  }
  const found = [...attributeFindings(use, attributes), ...besideFindings(use)];
  const conf: unknown = "conf" in attributes ? attributes.conf : undefined;
  if (conf === undefined) {
    return [...found, {
      level: "warning",
      path,
      seen: `${phase} has no conf: APISIX asks the runner, which has nothing to do`,
      todo: "Add conf, or remove it: each request costs a call.",
    }];
  }
  const at = [...path, "conf"];
  if (!Array.isArray(conf) || conf.length === 0) {
    return [
      ...found,
      problem(at, "conf is not a list with entries", "APISIX refuses it: write a list."),
    ];
  }
  for (const [i, entry] of conf.entries()) {
    found.push(...await checker.entry(entry, [...at, i], phase));
  }
  return found;
}

function attributeFindings({ path }: Use, attributes: object): Found[] {
  return Object.entries(attributes).flatMap(([name, value]): Found[] => {
    if (!ATTRIBUTES.includes(name)) {
      const seen = `APISIX does not know ${JSON.stringify(name)}${didYouMean(name, ATTRIBUTES)}`;
      return [{ level: "warning", path: [...path, name], seen, todo: "Remove or rename it." }];
    }
    if (name !== "allow_degradation" || typeof value === "boolean") return [];
    const seen = "allow_degradation is neither true nor false";
    return [problem([...path, name], seen, "APISIX refuses it: write one of them.")];
  });
}

function besideFindings({ phase, path, beside }: Use): Found[] {
  const spoilt = phase === "ext-plugin-post-resp"
    ? beside.filter((name) => SPOILT.includes(name))
    : [];
  return spoilt.map((name) => ({
    level: "warning",
    path,
    seen: `${name} has no effect beside ext-plugin-post-resp, which sends the request itself`,
    todo: "Do without one of them on this route.",
  }));
}

function problem(path: Path, seen: string, todo: string): Found {
  return { level: "problem", path, seen, todo };
}
