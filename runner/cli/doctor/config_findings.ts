/**
 * What is wrong with the parts of `config.yaml` that matter to a runner (protocol.md §1, §6.3).
 *
 * @module
 */

import { isAbsolute, join } from "node:path";

import type { Finding } from "../finding.ts";
import type { ApisixConfig } from "./config_file.ts";
import { inspectExecutable } from "./executable.ts";

/** The plugins through which APISIX calls a runner. */
const EXT_PLUGINS = ["ext-plugin-pre-req", "ext-plugin-post-req", "ext-plugin-post-resp"] as const;

/** Levels of nginx at which a runner's output, which is logged as `warn`, does not appear. */
const SILENT_LEVELS = ["error", "crit", "alert", "emerg"];

/** What else has to be known to judge a configuration. */
export interface Surroundings {
  /** What this binary is called. */
  readonly name: string;
  /** The socket that the runner is said to listen on; `null` when nobody said so. */
  readonly listen: string | null;
  /** The socket that APISIX connects to by itself; `null` when it cannot be told. */
  readonly generated: string | null;
  /** Looks up an environment variable. */
  env(name: string): string | undefined;
  /** The names of the variables that a runner reads, but that APISIX does not set. */
  readonly variables: readonly string[];
}

/**
 * Looks at a configuration.
 *
 * @param config What the file says.
 * @param around What else is known.
 * @returns What was found, in the order of the file.
 */
export function inspectConfig(config: ApisixConfig, around: Surroundings): Finding[] {
  return [
    ...sectionFindings(config, around),
    ...commandFindings(config, around),
    ...pathFindings(config, around),
    ...pluginFindings(config),
    ...nginxFindings(config, around),
  ];
}

function sectionFindings(
  { hasSection, cmd, pathForTest }: ApisixConfig,
  { name }: Surroundings,
): Finding[] {
  if (!hasSection) {
    return [{
      level: "problem",
      about: "ext-plugin",
      seen: "config.yaml has no ext-plugin section: APISIX starts no runner",
      todo: `Add: ext-plugin: { ${exampleOf(name)} }`,
    }];
  }
  if (cmd === undefined && pathForTest === undefined) {
    return [{
      level: "problem",
      about: "cmd",
      seen: "ext-plugin has no cmd: APISIX starts no runner",
      todo: `Add ${exampleOf(name)}, or path_for_test while you develop.`,
    }];
  }
  if (cmd !== undefined && pathForTest !== undefined) {
    return [{
      level: "warning",
      about: "path_for_test",
      seen: "cmd and path_for_test are both set: APISIX starts the runner, on the test path",
      todo: "Remove path_for_test in production, cmd while you start the runner yourself.",
    }];
  }
  if (cmd === undefined) {
    const seen = "there is no cmd: APISIX starts no runner, you do (for development)";
    return [{ level: "ok", about: "cmd", seen }];
  }
  return [];
}

function commandFindings({ cmd }: ApisixConfig, { name, env }: Surroundings): Finding[] {
  if (cmd === undefined) return [];
  if (typeof cmd === "string") {
    const seen = `cmd is one text, which a shell runs: ${JSON.stringify(cmd)}`;
    const todo = `Write a list, ${exampleOf(name)}, or begin the text with exec: APISIX stops ` +
      "the shell only, and the runner outlives every reload.";
    if (!/^\s*exec\s/.test(cmd)) return [{ level: "warning", about: "cmd", seen, todo }];
    const [, program = ""] = cmd.trim().split(/\s+/);
    return program.startsWith("/") ? programFindings(program, env) : [];
  }
  if (!Array.isArray(cmd) || cmd.length === 0 || !cmd.every((word) => typeof word === "string")) {
    return [{
      level: "problem",
      about: "cmd",
      seen: `cmd is not a list of texts: ${JSON.stringify(cmd)}`,
      todo: `Write: ${exampleOf(name)}`,
    }];
  }
  const [program = "", ...args]: string[] = cmd;
  return [...programFindings(program, env), ...argumentFindings(args)];
}

function exampleOf(name: string): string {
  return `cmd: ["/usr/local/bin/${name}", "run"]`;
}

function programFindings(program: string, env: (name: string) => string | undefined): Finding[] {
  if (isAbsolute(program)) return inspected(program);
  if (program.includes("/")) {
    return [{
      level: "problem",
      about: "cmd",
      seen: `${program} is relative: it is looked for where APISIX happened to be started`,
      todo: "Write the absolute path.",
    }];
  }
  for (const folder of (env("PATH") ?? "").split(":")) {
    const path = join(folder || ".", program);
    if (isFile(path)) return inspected(path);
  }
  return [{
    level: "problem",
    about: "cmd",
    seen: `${program} is not on the PATH, as far as it can be seen from this shell`,
    todo: "Write the absolute path.",
  }];
}

function inspected(path: string): Finding[] {
  const findings = inspectExecutable(path);
  return findings.length > 0
    ? findings
    : [{ level: "ok", about: "cmd", seen: `${path} can be executed` }];
}

function argumentFindings(args: readonly string[]): Finding[] {
  const at = args.findIndex((arg) => arg === "--listen" || arg.startsWith("--listen="));
  if (at < 0) return [];
  return [{
    level: "warning",
    about: "cmd",
    seen: "cmd has --listen: the runner listens there, APISIX connects to the address of its own",
    todo: "Remove --listen from cmd: APISIX tells the runner the address.",
  }];
}

function pathFindings(
  { pathForTest }: ApisixConfig,
  { listen, generated }: Surroundings,
): Finding[] {
  if (pathForTest === undefined) {
    if (listen === null || generated === null || listen === generated) return [];
    return [{
      level: "problem",
      about: "address",
      seen: `APISIX connects to ${generated}, the runner is said to listen on ${listen}`,
      todo: `Set path_for_test: ${listen}, or let APISIX start the runner.`,
    }];
  }
  const about = "path_for_test";
  if (typeof pathForTest !== "string" || pathForTest === "") {
    return [{
      level: "problem",
      about,
      seen: `path_for_test is not a path: ${JSON.stringify(pathForTest)}`,
      todo: "Write the absolute path of the socket.",
    }];
  }
  if (pathForTest.startsWith("unix:")) {
    return [{
      level: "problem",
      about,
      seen: `path_for_test begins with unix:, which APISIX adds itself: ${pathForTest}`,
      todo: `Write: path_for_test: ${pathForTest.slice("unix:".length)}`,
    }];
  }
  if (!isAbsolute(pathForTest)) {
    return [{
      level: "problem",
      about,
      seen: `path_for_test is relative: ${pathForTest}`,
      todo: "Write the absolute path: nginx and the runner need not be in the same folder.",
    }];
  }
  if (listen !== null && listen !== pathForTest) {
    return [{
      level: "problem",
      about,
      seen: `APISIX connects to ${pathForTest}, the runner listens on ${listen}`,
      todo: `Start the runner with APISIX_LISTEN_ADDRESS=unix:${pathForTest}`,
    }];
  }
  return [];
}

function pluginFindings({ plugins }: ApisixConfig): Finding[] {
  if (plugins === undefined) return [];
  const about = "plugins";
  const enabled = Array.isArray(plugins) ? plugins : [];
  const missing = EXT_PLUGINS.filter((name) => !enabled.includes(name));
  if (missing.length === 0) return [];
  if (missing.length === EXT_PLUGINS.length) {
    return [{
      level: "problem",
      about,
      seen: "config.yaml lists the plugins that are enabled, and no ext-plugin-* is among them",
      todo: `Add ${EXT_PLUGINS.join(", ")} to the list, or remove the list: APISIX' own has them.`,
    }];
  }
  if (!missing.includes("ext-plugin-post-resp") && missing.length === 2) {
    return [{
      level: "problem",
      about,
      seen: "only ext-plugin-post-resp is enabled: without one of the others APISIX has no place " +
        "for tokens, and every call fails before it reaches the runner",
      todo: "Add ext-plugin-pre-req to the list.",
    }];
  }
  return [{
    level: "warning",
    about,
    seen: `not enabled in config.yaml: ${missing.join(", ")}`,
    todo: "Add what routes use to the list.",
  }];
}

function nginxFindings(config: ApisixConfig, { env, variables }: Surroundings): Finding[] {
  const { cmd, envs, errorLogLevel } = config;
  const findings: Finding[] = [];
  if (errorLogLevel !== undefined && SILENT_LEVELS.includes(errorLogLevel)) {
    findings.push({
      level: "warning",
      about: "error_log_level",
      seen: `nginx logs from ${errorLogLevel} on, and what the runner says is logged as warn`,
      todo: "Set nginx_config.error_log_level: warn, or give the runner a --log-file.",
    });
  }
  const hidden = cmd === undefined
    ? []
    : variables.filter((name) => env(name) !== undefined && !envs.includes(name));
  if (hidden.length > 0) {
    findings.push({
      level: "warning",
      about: "envs",
      seen: `set here, but nginx keeps it from the runner: ${hidden.join(", ")}`,
      todo: "Name it in nginx_config.envs, or use the flag in cmd.",
    });
  }
  return findings;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
