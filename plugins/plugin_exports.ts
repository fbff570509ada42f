/**
 * The plugins that a module exports.
 *
 * @module
 */

import type { Plugin } from "./plugin.ts";

/** A module without plugins where they are looked for. */
export class ExportError extends Error {
  override readonly name = "ExportError";
}

/**
 * The plugins that a module exports.
 *
 * @param module The module.
 * @returns Its default export: a plugin or a list of them; at least one.
 * @throws {ExportError} When it is something else, saying what to write.
 */
export function exportedPlugins(module: Readonly<Record<string, unknown>>): readonly Plugin[] {
  if (!("default" in module)) {
    const other = Object.keys(module).find((name) => isPlugin(module[name]));
    throw new ExportError(
      other === undefined
        ? `it has no default export. ${EXPECTED}`
        : `it exports "${other}", but not as its default. Write: export default ${other};`,
    );
  }
  const exported = module["default"];
  if (!Array.isArray(exported)) {
    if (isPlugin(exported)) return [exported];
    throw new ExportError(`its default export is ${kindOf(exported)}. ${EXPECTED}`);
  }
  const items: readonly unknown[] = exported;
  if (items.length === 0) throw new ExportError(`its default export is empty. ${EXPECTED}`);
  return items.map((item, i) => {
    if (isPlugin(item)) return item;
    throw new ExportError(`item ${i} of its default export is ${kindOf(item)}. ${EXPECTED}`);
  });
}

const EXPECTED = "A plugin file says: export default definePlugin({ … })";

/** A plugin is known by what `definePlugin` gives it. */
function isPlugin(value: unknown): value is Plugin {
  return typeof value === "object" && value !== null &&
    "name" in value && typeof value.name === "string" &&
    "phases" in value && Array.isArray(value.phases) &&
    "configure" in value && typeof value.configure === "function";
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list, not a plugin";
  if (typeof value !== "object") return `a ${typeof value}, not a plugin`;
  return "onRequest" in value || "onResponse" in value
    ? "an object with hooks that was not given to definePlugin"
    : "an object, not a plugin";
}
