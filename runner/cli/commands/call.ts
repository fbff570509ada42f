/**
 * `call`: plays APISIX, and shows what plugins make of a request or a response.
 *
 * @module
 */

import type { Plugin } from "../../../plugins/plugin.ts";
import type { Phase, RoutePlugin } from "../../apisix/client.ts";
import { Checker } from "../check/configuration.ts";
import {
  choiceOf,
  type Command,
  type Host,
  type Option,
  OUTPUT,
  type Parsed,
  valueOf,
} from "../command.ts";
import { ExitCode, UsageError } from "../../errors.ts";
import { type Finding, findingTable } from "../finding.ts";
import { type KnownPlugin, knownPlugins, PLUGINS } from "../known_plugins.ts";
import { styleOf } from "../terminal.ts";
import { type CallInput, callInput } from "./call_input.ts";
import { callJson } from "./call_json.ts";
import { INPUT_OPTIONS } from "./call_options.ts";
import type { CallResult } from "./call_outcome.ts";
import { callReport } from "./call_report.ts";
import type { Target } from "./call_target.ts";

const SOCKET: Option = {
  flag: "socket",
  value: "PATH",
  about: "call the runner that listens there, in place of plugins within this process",
};

/** Plays APISIX. */
export const call: Command = {
  name: "call",
  summary: "play APISIX: see what plugins make of a request or a response",
  usage: "[flags] --plugin NAME[=JSON] … [URL]",
  options: [PLUGINS, ...Object.values(INPUT_OPTIONS), SOCKET, OUTPUT],
  details: ({ name }) =>
    [
      "URL is a path with its query, or a whole URL; nothing is sent there. For example:",
      `  ${name} call --plugin 'say={"body":"hello"}' /`,
      `  ${name} call --plugins geo_gate.ts --var geoip2_data_country_code=NZ '/path?debug=1'`,
      `  ${name} call --plugins redact.ts --resp-header 'content-type: text/plain' --resp-body hello`,
    ].join("\n"),
  async run(parsed: Parsed, host: Host): Promise<number> {
    const output = choiceOf(parsed, OUTPUT);
    // What plays APISIX is not loaded by a runner that serves.
    const { MemoryTarget, SocketTarget } = await import("./call_target.ts");
    const { warmUp } = await import("./call_warm_up.ts");
    const input = await callInput(parsed, host);
    const socket = valueOf(parsed, SOCKET.flag);
    if (socket !== undefined) {
      const target = new SocketTarget(socketPath(socket));
      return await called(input, input.phase ?? "pre-req", target, output, host);
    }
    const { plugins, problems } = await knownPlugins(parsed, host);
    for (const { message } of problems) host.stderr(`${host.name}: ${message}\n`);
    const chosen = { ...input, plugins: chosenPlugins(input, plugins, problems.length > 0) };
    const findings = await refusals(chosen.plugins, plugins, host);
    if (findings.length > 0) {
      host.stdout(refusalReport(chosen.plugins, findings, output, host));
      return ExitCode.FAILURE;
    }
    const used = usedPlugins(chosen.plugins, plugins);
    const phase = input.phase ?? naturalPhase(used);
    await warmUp();
    return await called(chosen, phase, new MemoryTarget(used), output, host);
  },
};

async function called(
  input: CallInput,
  phase: Phase,
  target: Target,
  output: string,
  host: Host,
): Promise<number> {
  const { runCalls } = await import("./call_run.ts");
  let result: CallResult;
  try {
    result = await runCalls(input, phase, target);
  } finally {
    await target.close();
  }
  host.stdout(output === "json" ? callJson(result) : callReport(result, host));
  const failed = result.groups.some(({ outcome }) => outcome.type === "failed");
  return failed ? ExitCode.FAILURE : ExitCode.OK;
}

function socketPath(text: string): string {
  return text.replace(/^unix:/, "");
}

/** Those that are named; else that of the file, if there is one only. */
function chosenPlugins(
  { plugins }: CallInput,
  known: readonly KnownPlugin[],
  isIncomplete: boolean,
): readonly RoutePlugin[] {
  if (plugins.length > 0) return plugins;
  const [first, ...others] = known.filter(({ file }) => file !== null);
  if (first !== undefined && others.length === 0 && !isIncomplete) {
    return [{ name: first.plugin.name, value: "" }];
  }
  const names = (first === undefined ? known : [first, ...others]).map(({ plugin }) => plugin.name);
  throw new UsageError(
    `Which plugin? Name it with --plugin${names.length === 0 ? "" : `: ${names.join(", ")}`}`,
  );
}

/** What is wrong with the plugins' names and configurations. */
async function refusals(
  plugins: readonly RoutePlugin[],
  known: readonly KnownPlugin[],
  { name }: Host,
): Promise<Finding[]> {
  const checker = new Checker(known, name);
  const found = await Promise.all(plugins.map((plugin) => checker.entry(plugin, [], null)));
  return found.flat().filter(({ level }) => level === "problem")
    .map((finding) => ({ ...finding, about: "--plugin" }));
}

function refusalReport(
  plugins: readonly RoutePlugin[],
  findings: readonly Finding[],
  output: string,
  host: Host,
): string {
  if (output === "json") {
    const report = { plugins: plugins.map(({ name }) => name), outcomes: [], findings };
    return `${JSON.stringify(report, null, 2)}\n`;
  }
  const { bad } = styleOf(host);
  return [
    bad("The route is closed: its clients get 503."),
    "",
    ...findingTable(findings, host),
    "",
  ].join("\n");
}

function usedPlugins(
  plugins: readonly RoutePlugin[],
  known: readonly KnownPlugin[],
): readonly Plugin[] {
  const names = new Set(plugins.map(({ name }) => name));
  return known.map(({ plugin }) => plugin).filter(({ name }) => names.has(name));
}

/** That which the plugins are made for. */
function naturalPhase(plugins: readonly Plugin[]): Phase {
  return plugins.some(({ phases }) => phases.includes("request")) ? "pre-req" : "post-resp";
}
