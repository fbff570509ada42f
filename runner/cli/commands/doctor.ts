/**
 * `doctor`: finds out why APISIX answers 503.
 *
 * @module
 */

import { isAbsolute, join } from "node:path";

import { messageOf } from "../../../protocol/errors.ts";
import {
  choiceOf,
  type Command,
  type Host,
  OUTPUT,
  type Parsed,
  refuseWords,
  valueOf,
} from "../command.ts";
import {
  apisixFindings,
  type ApisixProcess,
  apisixVersion,
  findApisix,
  generatedPath,
  versionFindings,
} from "../doctor/apisix_process.ts";
import { type ApisixConfig, readApisixConfig } from "../doctor/config_file.ts";
import { inspectConfig } from "../doctor/config_findings.ts";
import { ownArgumentFindings } from "../doctor/own_arguments.ts";
import { type User, userNamed } from "../doctor/user.ts";
import { ExitCode, UsageError } from "../../errors.ts";
import { type Finding, findingTable, numberOf, summary } from "../finding.ts";
import { SETTING_OPTIONS } from "../../settings.ts";
import { styleOf } from "../terminal.ts";
import { VERSION } from "../../version.ts";

/** Where APISIX is installed, if nothing else is said. */
const APISIX_HOME = "/usr/local/apisix";

/** The user of nginx' workers in the usual builds. */
const WORKER_USER = "nobody";

/** What is examined. */
interface Patient {
  /** Where `config.yaml` is; `null` when there is none to read. */
  readonly configPath: string | null;
  /** What it says; `null` when it could not be read. */
  readonly config: ApisixConfig | null;
  /** The APISIX that it belongs to, if it runs. */
  readonly apisix: ApisixProcess | null;
  /** The path that the runner is said to listen on. */
  readonly listen: string | null;
  /** The path that APISIX connects to, or that the runner listens on if that cannot be told. */
  readonly path: string | null;
}

/** Examines an installation. */
export const doctor: Command = {
  name: "doctor",
  summary: "find out why APISIX answers 503",
  usage: "[flags]",
  options: [
    {
      flag: "config",
      short: "c",
      value: "FILE",
      about: `APISIX' config.yaml (${APISIX_HOME}/conf/config.yaml, if it is there)`,
    },
    {
      flag: "listen",
      value: "unix:PATH",
      env: "APISIX_LISTEN_ADDRESS",
      about: "the socket of the runner (that which APISIX connects to)",
    },
    {
      flag: "user",
      short: "u",
      value: "NAME",
      about: `the user of nginx' workers (nginx_config.user, or ${WORKER_USER})`,
    },
    OUTPUT,
  ],
  details: ({ name }) =>
    "It looks at the configuration, the executable, the socket and its permissions, and talks to\n" +
    `the runner. Start it as root, on the machine or in the container of APISIX:\n` +
    `  ${name} doctor --config ${APISIX_HOME}/conf/config.yaml`,
  async run(parsed: Parsed, host: Host): Promise<number> {
    refuseWords(parsed.words);
    const output = choiceOf(parsed, OUTPUT);
    const findings: Finding[] = [];
    const patient = await patientOf(parsed, host, findings);
    const user = workerUser(parsed, patient.config, findings);
    findings.push(...await examine(patient, user, host));
    host.stdout(output === "json" ? json(patient, user, findings) : text(patient, findings, host));
    return numberOf("problem", findings) > 0 ? ExitCode.FAILURE : ExitCode.OK;
  },
};

async function patientOf(parsed: Parsed, host: Host, findings: Finding[]): Promise<Patient> {
  const standard = join(APISIX_HOME, "conf", "config.yaml");
  const configPath = valueOf(parsed, "config") ?? (exists(standard) ? standard : null);
  const config = configPath === null ? null : await configAt(configPath, host, findings);
  const apisix = config === null ? null : findApisix(config.home);
  const listen = listenPath(parsed, host);
  const path = testPath(config) ?? listen ?? (apisix === null ? null : generatedPath(apisix));
  return { configPath, config, apisix, listen, path };
}

/** What is wrong with it is said elsewhere. */
function testPath(config: ApisixConfig | null): string | null {
  const path = config?.pathForTest;
  if (typeof path !== "string") return null;
  const meant = path.replace(/^unix:/, "");
  return isAbsolute(meant) ? meant : null;
}

async function configAt(
  path: string,
  { env }: Host,
  findings: Finding[],
): Promise<ApisixConfig | null> {
  try {
    return await readApisixConfig(path, env);
  } catch (error) {
    findings.push({
      level: "problem",
      about: "config",
      seen: messageOf(error),
      todo: "Name APISIX' config.yaml with --config.",
    });
    return null;
  }
}

function listenPath(parsed: Parsed, { env }: Host): string | null {
  const address = valueOf(parsed, "listen") ?? env("APISIX_LISTEN_ADDRESS") ?? "";
  if (address === "") return null;
  const path = /^unix:(.+)$/s.exec(address)?.[1];
  if (path === undefined) {
    throw new UsageError(
      `Cannot use the address ${
        JSON.stringify(address)
      }: expected unix:PATH, as APISIX has no other`,
    );
  }
  return path;
}

function workerUser(parsed: Parsed, config: ApisixConfig | null, findings: Finding[]): User {
  const name = valueOf(parsed, "user") ?? config?.user ?? WORKER_USER;
  const user = userNamed(name);
  if (user !== null) return user;
  findings.push({
    level: "problem",
    about: "user",
    seen: `there is no user ${name} on this machine: everybody else's permissions are looked at`,
    todo: "Name the user of nginx' workers with --user, or mend nginx_config.user.",
  });
  return { name, uid: -1, gids: [] };
}

async function examine(patient: Patient, user: User, host: Host): Promise<Finding[]> {
  const { configPath, config, apisix, listen, path } = patient;
  const findings: Finding[] = [];
  if (config !== null && configPath !== null) {
    const version = apisixVersion(config.home);
    findings.push(
      {
        level: "ok",
        about: "config",
        seen: version === null ? configPath : `${configPath}, of APISIX ${version}`,
      },
      ...versionFindings(version),
      ...apisixFindings(config.home, apisix),
      ...inspectConfig(config, {
        name: host.name,
        listen,
        generated: apisix === null ? null : generatedPath(apisix),
        env: host.env,
        variables: SETTING_OPTIONS.map(({ env }) => env).filter((name) => /^DENO_/.test(name)),
      }),
      ...isOwn(config.cmd) ? ownArgumentFindings(config.cmd.slice(1), host) : [],
    );
  }
  if (path === null) {
    findings.push({
      level: "problem",
      about: "address",
      seen: "it is not known which socket APISIX connects to",
      todo: "Name APISIX' config.yaml with --config, or the socket with --listen unix:PATH.",
    });
    return findings;
  }
  const context = {
    user,
    apisix: apisix?.pid ?? null,
    isStartedByApisix: config !== null && config.cmd !== undefined,
    name: host.name,
  };
  // What plays APISIX is not loaded by a runner that serves.
  const { inspectSocket } = await import("../doctor/socket_findings.ts");
  return [...findings, ...await inspectSocket(path, context)];
}

/** Whether a `cmd` starts this very program, whose arguments are known. */
function isOwn(cmd: unknown): cmd is readonly string[] {
  if (!Array.isArray(cmd) || !cmd.every((word) => typeof word === "string")) return false;
  try {
    const [program = ""] = cmd;
    return Deno.build.standalone &&
      Deno.realPathSync(program) === Deno.realPathSync(Deno.execPath());
  } catch {
    return false;
  }
}

function text({ path }: Patient, findings: readonly Finding[], host: Host): string {
  const { strong } = styleOf(host);
  const versions = `${host.name} ${VERSION}, deno ${Deno.version.deno}, ${Deno.build.target}`;
  return [
    `${strong(path === null ? "no address" : `unix:${path}`)}  (${versions})`,
    "",
    ...findingTable(findings, host),
    "",
    summary(findings, host),
    "",
  ].join("\n");
}

function json({ path, configPath }: Patient, user: User, findings: readonly Finding[]): string {
  const report = {
    address: path === null ? null : `unix:${path}`,
    config: configPath,
    user: user.name,
    versions: { runner: VERSION, deno: Deno.version.deno, target: Deno.build.target },
    problems: numberOf("problem", findings),
    warnings: numberOf("warning", findings),
    findings,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
