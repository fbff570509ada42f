/**
 * What can be typed at a place of the command line, out of the table: the same for all shells.
 *
 * @module
 */

import {
  type Command,
  HELP,
  type Host,
  knownValues,
  type Option,
  VERSION_FLAG,
} from "../command.ts";

/** What a shell offers for a value or a word. */
export type Offer =
  | { readonly type: "files" }
  | { readonly type: "folders" }
  | { readonly type: "words"; readonly words: readonly string[] };

/** Nothing that could be known. */
const NOTHING: Offer = { type: "words", words: [] };

/**
 * What is offered for the value of a flag.
 *
 * @param option The flag; not a switch.
 */
export function offerForValue(option: Option): Offer {
  const words = knownValues(option);
  const { value = "" } = option;
  if (words.length > 0) return { type: "words", words };
  if (/^@?(FILE|PATH)\b|\|(FILE|PATH)\b/.test(value)) return { type: "files" };
  return value === "DIR" ? { type: "folders" } : NOTHING;
}

/**
 * What is offered for the words of a command.
 *
 * @param command The command.
 * @param host Knows commands and plugins.
 */
export function offerForWords({ words = [] }: Command, { commands, plugins }: Host): Offer {
  if (words === "files") return { type: "files" };
  if (words === "plugins") {
    return { type: "words", words: Array.from(plugins, ({ name }) => name) };
  }
  return {
    type: "words",
    words: words === "commands" ? commands.map(({ name }) => name) : words,
  };
}

/**
 * All flags of a command, those that every command has included.
 *
 * @param command The command.
 */
export function flagsOf({ options }: Command): Option[] {
  return [...options, HELP, VERSION_FLAG];
}

/**
 * A name for a shell function.
 *
 * @param name What the binary is called.
 */
export function functionName(name: string): string {
  return `_${name.replace(/[^A-Za-z0-9_]/g, "_")}`;
}

/**
 * A text between single quotes, as all three shells read it.
 *
 * @param text The text.
 */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}
