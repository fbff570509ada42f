/**
 * `new`: begins a plugin.
 *
 * @module
 */

import { join } from "node:path";

import { messageOf } from "../../../protocol/errors.ts";
import {
  type Command,
  type Host,
  type Option,
  type Parsed,
  refuseWords,
  valueOf,
} from "../command.ts";
import { ExitCode, StartError, UsageError } from "../../errors.ts";
import { isPluginName, nearestPluginName, type NewFile, newPlugin } from "../new_plugin.ts";
import { columns, styleOf } from "../terminal.ts";

const DIR: Option = {
  flag: "dir",
  short: "d",
  value: "DIR",
  about: "where to make them (a folder with the plugin's name); it is made if it is not there",
};

/** Makes the files of a plugin, and never writes over one that is there. */
export const newCommand: Command = {
  name: "new",
  summary: "begin a plugin: its file, a test, a README",
  usage: "[flags] NAME",
  options: [DIR],
  run({ words: [name, ...rest], ...parsed }: Parsed, host: Host): Promise<number> {
    if (name === undefined) throw new UsageError("How is the plugin called? For example: geo-gate");
    refuseWords(rest);
    checkName(name, host);
    const folder = valueOf({ words: [], ...parsed }, DIR.flag) ?? name;
    const { plugin, test, readme } = newPlugin(name, host.name);
    refuseExisting(folder, [plugin, test]);
    const files = exists(join(folder, readme.name)) ? [plugin, test] : [plugin, test, readme];
    write(folder, files);
    host.stdout(report(name, folder, files, host));
    return Promise.resolve(ExitCode.OK);
  },
};

function checkName(name: string, { plugins }: Host): void {
  if (!isPluginName(name)) {
    const made = nearestPluginName(name);
    throw new UsageError(
      `Cannot call a plugin ${JSON.stringify(name)}: a name has small letters, digits and single ` +
        `dashes, 128 at most${made === null ? "" : `: did you mean ${made}?`}`,
    );
  }
  if ([...plugins].some((plugin) => plugin.name === name)) {
    throw new UsageError(`Cannot call a plugin "${name}": this program has one of that name`);
  }
}

function refuseExisting(folder: string, files: readonly NewFile[]): void {
  const found = files.map(({ name }) => join(folder, name)).find(exists);
  if (found !== undefined) {
    throw new StartError(`Cannot make ${found}: it is there already. Nothing was written`);
  }
}

function write(folder: string, files: readonly NewFile[]): void {
  let path = folder;
  try {
    Deno.mkdirSync(folder, { recursive: true });
    for (const { name, text } of files) {
      path = join(folder, name);
      Deno.writeTextFileSync(path, text, { createNew: true });
    }
  } catch (error) {
    throw new StartError(`Cannot make ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function report(name: string, folder: string, files: readonly NewFile[], host: Host): string {
  const { name: named, dim } = styleOf(host);
  const [plugin] = files;
  const path = join(folder, plugin?.name ?? "");
  return [
    ...columns(files.map((file) => [named(join(folder, file.name)), dim(file.about)]), 0),
    "",
    "Try it:",
    `  ${host.name} call --plugins ${path} --plugin '${name}={"greeting":"hi"}' /hello`,
    "",
  ].join("\n");
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
