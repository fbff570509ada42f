/**
 * `check`: loads plugins, shows what they take, and checks configurations and routes.
 *
 * @module
 */

import { resolve } from "node:path";

import type { LoadProblem } from "../../../plugins/loader.ts";
import { messageOf } from "../../../protocol/errors.ts";
import { type CheckFinding, findingIn, type Found } from "../check/check_finding.ts";
import { checkConf } from "../check/conf_file.ts";
import { Checker } from "../check/configuration.ts";
import { checkRoute, checkWhole } from "../check/route_file.ts";
import { schemaLines } from "../check/schema_text.ts";
import { choiceOf, type Command, type Host, OUTPUT, type Parsed } from "../command.ts";
import { type Document, DocumentError, parseDocuments } from "../document.ts";
import { ExitCode, StartError } from "../../errors.ts";
import { findingList, numberOf, summary } from "../finding.ts";
import {
  type KnownPlugin,
  knownPlugins,
  phasesText,
  pluginPaths,
  PLUGINS,
} from "../known_plugins.ts";
import { columns, styleOf } from "../terminal.ts";

/** The file that stands for standard input. */
const STDIN = "-";

/** What is left of a file when it is not whole. */
const NO_DOCUMENT: Document = { value: null, lineOf: () => null };

/** Checks plugin files, configurations and routes. */
export const check: Command = {
  name: "check",
  summary: "check plugin files, configurations and routes",
  usage: "[flags] [FILE|DIR …]",
  options: [
    {
      flag: "conf",
      short: "c",
      value: "FILE",
      repeatable: true,
      about: 'configurations to check, JSON or YAML: {"NAME": {…}, …}, or a list as in a route',
    },
    {
      flag: "route",
      short: "r",
      value: "FILE",
      repeatable: true,
      about: "routes, services, global rules, plugin configs or consumers to check, JSON or YAML",
    },
    PLUGINS,
    OUTPUT,
  ],
  words: "files",
  details: ({ name }) =>
    [
      "It loads the plugin files that are named and shows what they take. Without any it shows the\n" +
      "plugins of this program. - stands for standard input:",
      `  ${name} check plugins/ --conf conf.json`,
      `  curl -H "X-API-KEY: $KEY" $ADMIN/apisix/admin/routes | ${name} check --route -`,
    ].join("\n"),
  async run(parsed: Parsed, host: Host): Promise<number> {
    const output = choiceOf(parsed, OUTPUT);
    const { words, values } = parsed;
    const { conf = [], route = [] } = values;
    const { plugins, problems } = await knownPlugins(parsed, host, words);
    const checker = new Checker(plugins, host.name);
    const findings = problems.map(loadFinding);
    for (const file of conf) findings.push(...await checkConfFile(file, checker, host));
    for (const file of route) findings.push(...await checkRouteFile(file, checker, host));
    const fromFiles = words.length > 0 || pluginPaths(parsed, host).length > 0;
    const isAsked = conf.length > 0 || route.length > 0;
    const shown = fromFiles ? plugins.filter(({ file }) => file !== null) : isAsked ? [] : plugins;
    host.stdout(output === "json" ? json(shown, findings) : text(shown, findings, host));
    return numberOf("problem", findings) > 0 ? ExitCode.FAILURE : ExitCode.OK;
  },
};

function loadFinding({ file, place, reason, message }: LoadProblem): CheckFinding {
  // The place can be in another file, which this one imports; the message names it then.
  const isHere = place === null || place.path === resolve(file);
  return {
    level: "problem",
    about: isHere && place !== null ? `line ${place.line}` : "",
    seen: isHere ? `it cannot be loaded: ${reason}` : message,
    file,
    line: isHere ? place?.line ?? null : null,
    plugin: null,
  };
}

async function checkConfFile(file: string, checker: Checker, host: Host): Promise<CheckFinding[]> {
  const findings: CheckFinding[] = [];
  const text = await textOf(file, host);
  const documents = await documentsIn(file, text, findings);
  if (findings.length > 0) return findings;
  for (const document of documents.length === 0 ? [NO_DOCUMENT] : documents) {
    for (const found of await checkConf(document, checker)) {
      findings.push(findingIn(file, document, found));
    }
  }
  return findings;
}

async function checkRouteFile(file: string, checker: Checker, host: Host): Promise<CheckFinding[]> {
  const findings: CheckFinding[] = [];
  const all: Found[] = [];
  const text = await textOf(file, host);
  const documents = await documentsIn(file, text, findings);
  if (findings.length > 0) return findings;
  for (const document of documents) {
    const found = await checkRoute(document, checker);
    all.push(...found);
    findings.push(...found.map((one) => findingIn(file, document, one)));
  }
  const whole = checkWhole(file, text, all);
  return [...findings, ...whole.map((found) => findingIn(file, NO_DOCUMENT, found))];
}

async function textOf(file: string, { stdin }: Host): Promise<string> {
  if (file === STDIN) return new TextDecoder().decode(await stdin());
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    const reason = isMissing ? "there is no such file" : messageOf(error);
    throw new StartError(`Cannot read ${file}: ${reason}`, { cause: error });
  }
}

async function documentsIn(
  file: string,
  text: string,
  findings: CheckFinding[],
): Promise<readonly Document[]> {
  // JSON can be read as YAML, but then its errors are strange ones.
  const isJson = /\.json$/i.test(file) || (file === STDIN && /^\s*[{[]/.test(text));
  try {
    return await parseDocuments(text, isJson);
  } catch (error) {
    const line = error instanceof DocumentError ? error.line : null;
    const about = line === null ? "" : `line ${line}`;
    const seen = `it cannot be read: ${messageOf(error)}`;
    findings.push({ level: "problem", about, seen, file, line, plugin: null });
    return [];
  }
}

function json(plugins: readonly KnownPlugin[], findings: readonly CheckFinding[]): string {
  const report = {
    plugins: plugins.map(({ plugin, file }) => {
      const description = plugin.describeConfig();
      return {
        name: plugin.name,
        phases: plugin.phases,
        file,
        schema: description.type === "schema" ? description.schema : null,
      };
    }),
    problems: numberOf("problem", findings),
    warnings: numberOf("warning", findings),
    findings,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function text(
  plugins: readonly KnownPlugin[],
  findings: readonly CheckFinding[],
  host: Host,
): string {
  return [
    ...[...Map.groupBy(plugins, ({ file }) => file)].flatMap(([file, group]) => [
      styleOf(host).strong(file ?? "Built in"),
      ...group.flatMap((known) => pluginLines(known, host)),
      "",
    ]),
    ...[...Map.groupBy(findings, ({ file }) => file)].flatMap(([file, group]) => [
      styleOf(host).strong(file === STDIN ? "Standard input" : file),
      ...findingList(group, host),
      "",
    ]),
    summary(findings, host),
    "",
  ].join("\n");
}

function pluginLines({ plugin }: KnownPlugin, host: Host): string[] {
  const { name, dim } = styleOf(host);
  const description = plugin.describeConfig();
  const first = `  ${name(plugin.name)}  ${dim(phasesText(plugin))}`;
  if (description.type === "anything") return [first, "    takes any configuration"];
  if (description.type === "unknown") {
    return [first, `    does not say what it takes: ${description.reason}`];
  }
  const lines = schemaLines(description.schema);
  return lines.length === 0 ? [first, "    takes no configuration"] : [
    first,
    ...columns(lines.map(([property, about]) => [property || "configuration", about]), 4),
  ];
}
