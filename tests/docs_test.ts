/**
 * What the documentation says of the commands, held against the table that they are made of; and
 * where its links lead.
 */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { type Command, HELP, type Option, VERSION_FLAG } from "../runner/cli/command.ts";
import { COMMANDS } from "../runner/cli/commands/mod.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A file of the project. */
function read(path: string): string {
  return Deno.readTextFileSync(join(ROOT, path));
}

/** The parts of a text that begin with a heading of the second level, by heading. */
function sections(text: string): Map<string, string> {
  const parts = text.split(/^## (?=.)/m).slice(1);
  return new Map(parts.map((part): [string, string] => {
    const [heading = "", ...lines] = part.split("\n");
    return [heading, lines.join("\n")];
  }));
}

/** The cells of the tables in a text, row by row, as one reads them. */
function rows(text: string): string[][] {
  return text.split("\n").filter((line) => /^\|(?! ?-+ ?\|)/.test(line)).map((line) =>
    line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim().replaceAll("\\", ""))
  );
}

/** The rows that the table of some flags should have; variables are there if any flag has one. */
function tableOf(options: readonly Option[]): string[][] {
  const hasVariables = options.some(({ env }) => env !== undefined);
  return options.map(({ flag, short, value, repeatable = false, env, about }) => {
    const named = `--${flag}${value === undefined ? "" : ` ${value}`}${repeatable ? " …" : ""}`;
    const names = short === undefined ? `\`${named}\`` : `\`-${short}\`, \`${named}\``;
    const variable = env === undefined ? "" : `\`${env}\``;
    return hasVariables ? [names, variable, about] : [names, about];
  });
}

/** The rows of all tables of flags in a section. */
function flagRows(section: string): string[][] {
  return rows(section).filter(([name = ""]) => /^`-/.test(name));
}

function shown(table: readonly (readonly string[])[]): string {
  return table.map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}

const commands = read("docs/commands.md");

Deno.test("docs/commands.md has a section for each command, in the order of the help", () => {
  assert.deepEqual([...sections(commands).keys()], COMMANDS.map(({ name }) => name));
});

for (const command of COMMANDS) {
  Deno.test(`docs/commands.md says what ${command.name} takes`, () => {
    const section = sections(commands).get(command.name) ?? "";
    assert(section.includes(usage(command)), `The usage is missing: ${usage(command)}`);
    const expected = tableOf(command.options);
    assert.deepEqual(
      flagRows(section),
      expected,
      `The table of flags should be:\n${shown(expected)}`,
    );
  });
}

function usage({ name, usage }: Command): string {
  return `deno-runner ${name} ${usage}`.trimEnd();
}

Deno.test("docs/commands.md says which flags every command has", () => {
  const [before = ""] = commands.split(/^## /m);
  assert.deepEqual(flagRows(before), tableOf([HELP, VERSION_FLAG]));
});

Deno.test("docs/operating.md has all settings of run", () => {
  const table = rows(read("docs/operating.md"));
  for (const { flag, env } of COMMANDS[0].options) {
    const found = table.find(([first]) => first === `\`--${flag}\``);
    assert.equal(
      found?.[1],
      `\`${env}\``,
      `--${flag} (${env}) is missing in the table of settings`,
    );
  }
});

Deno.test("README.md has all commands in its table", () => {
  const table = rows(read("README.md"));
  for (const { name } of COMMANDS) {
    assert(table.some(([first = ""]) => first.startsWith(`\`${name}`)), `${name} is missing`);
  }
});

const DOCUMENTS = [
  "README.md",
  ...Array.from(Deno.readDirSync(join(ROOT, "docs")), ({ name }) => `docs/${name}`)
    .filter((path) => path.endsWith(".md")).sort(),
];

for (const path of DOCUMENTS) {
  Deno.test(`the links of ${path} lead somewhere`, () => {
    const links = withoutCode(read(path)).matchAll(/\]\(([^)\s]+)\)/g);
    const broken = Array.from(links, ([, link = ""]) => link)
      .filter((link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(link, path));
    assert.deepEqual(broken, []);
  });
}

function withoutCode(text: string): string {
  return text.replace(/^```[^]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");
}

/** Whether there is a file, and in it a heading, if the link names one. */
function leadsSomewhere(link: string, from: string): boolean {
  const [file = "", heading] = link.split("#");
  const path = file === "" ? from : join(dirname(from), file);
  try {
    Deno.statSync(join(ROOT, path));
    return heading === undefined || anchors(read(path)).includes(heading);
  } catch {
    return false;
  }
}

/** The anchors of headings, as GitHub makes them. */
function anchors(text: string): string[] {
  return Array.from(
    text.replace(/^```[^]*?^```$/gm, "").matchAll(/^#+ (.+)$/gm),
    ([, heading = ""]) =>
      heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"),
  );
}
