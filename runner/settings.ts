/**
 * What a runner can be told: flags over environment over defaults.
 *
 * @module
 */

import { resolve } from "node:path";

import { UsageError } from "./errors.ts";
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from "./logger.ts";
import { checkSocketPath } from "./socket.ts";

/** The settings of a runner, complete and checked. */
export interface Settings {
  /** The path of the socket, absolute. */
  readonly path: string;
  /** Folders and files to load plugins from. */
  readonly pluginPaths: readonly string[];
  /** Whether to go on without the plugin files that cannot be loaded. */
  readonly keepGoing: boolean;
  /** Whether to load plugin files again when they change. */
  readonly watch: boolean;
  /** How long APISIX keeps a token, in seconds. */
  readonly confExpireSeconds: number;
  /** How long a call may take, in milliseconds. APISIX gives up after 60 s (protocol.md §2). */
  readonly callTimeoutMs: number;
  /** The permissions of the socket's file. */
  readonly socketMode: number;
  /** The group of the socket's file, a name or a number; `null` leaves it. */
  readonly socketGroup: string | null;
  /** The least level that is logged. */
  readonly logLevel: LogLevel;
  /** How a log line looks. */
  readonly logFormat: LogFormat;
  /** The file that is logged to; `null`: standard error. */
  readonly logFile: string | null;
  /**
   * Whether a response call may ask for the request's method, to know a HEAD request (protocol.md
   * §10.4). APISIX before 3.0 fails a response call in which anything is asked.
   */
  readonly probeHead: boolean;
}

/** Timers take no more milliseconds. */
const MAX_NUMBER = 0x7fff_ffff;

/** Settings that a program gives; what is left out comes from the environment. */
export interface SettingsInput {
  /** `unix:` and a path; else `APISIX_LISTEN_ADDRESS`. */
  readonly listen?: string;
  /** See {@linkcode Settings.pluginPaths}; else `DENO_RUNNER_PLUGINS`, else none. */
  readonly pluginPaths?: readonly string[];
  /** See {@linkcode Settings.keepGoing}; else `false`. */
  readonly keepGoing?: boolean;
  /** See {@linkcode Settings.watch}; else `false`. */
  readonly watch?: boolean;
  /** See {@linkcode Settings.confExpireSeconds}; else `APISIX_CONF_EXPIRE_TIME`, else 3600. */
  readonly confExpireSeconds?: number;
  /** See {@linkcode Settings.callTimeoutMs}; else 55 000. */
  readonly callTimeoutMs?: number;
  /** See {@linkcode Settings.socketMode}; else 0o666. */
  readonly socketMode?: number;
  /** See {@linkcode Settings.socketGroup}. */
  readonly socketGroup?: string;
  /** See {@linkcode Settings.logLevel}; else `warn`, or `info` while files are watched. */
  readonly logLevel?: LogLevel;
  /** See {@linkcode Settings.logFormat}; else `text`. */
  readonly logFormat?: LogFormat;
  /** See {@linkcode Settings.logFile}. */
  readonly logFile?: string;
  /** See {@linkcode Settings.probeHead}; else `true`. */
  readonly probeHead?: boolean;
}

/** A setting as the command line and the environment have it. */
export interface SettingOption {
  /** The flag, without `--`. */
  readonly flag: string;
  /** The environment variable that says the same. */
  readonly env: string;
  /** What stands for the value in the help; absent for a switch, which takes none. */
  readonly value?: string;
  /** Whether it may come several times; in the variable its values have `:` between them. */
  readonly repeatable?: boolean;
  /** What it does, for the help. */
  readonly about: string;
}

const OPTIONS = {
  listen: {
    flag: "listen",
    env: "APISIX_LISTEN_ADDRESS",
    value: "unix:PATH",
    about: "the socket that APISIX connects to",
  },
  plugins: {
    flag: "plugins",
    env: "DENO_RUNNER_PLUGINS",
    value: "DIR|FILE",
    repeatable: true,
    about: "load the plugins of a folder, or of a file; in the variable with : between them",
  },
  keepGoing: {
    flag: "keep-going",
    env: "DENO_RUNNER_KEEP_GOING",
    about: "go on without plugin files that cannot be loaded (on|off in the variable)",
  },
  watch: {
    flag: "watch",
    env: "DENO_RUNNER_WATCH",
    about: "take up plugin files when they are saved (on|off in the variable)",
  },
  confExpire: {
    flag: "conf-expire-time",
    env: "APISIX_CONF_EXPIRE_TIME",
    value: "SECONDS",
    about: "how long APISIX keeps a conf token (3600); configurations are kept twice as long",
  },
  callTimeout: {
    flag: "call-timeout",
    env: "DENO_RUNNER_CALL_TIMEOUT",
    value: "MS",
    about: "how long a call may take (55000)",
  },
  socketMode: {
    flag: "socket-mode",
    env: "DENO_RUNNER_SOCKET_MODE",
    value: "OCTAL",
    about: "permissions of the socket (0666); connecting takes write permission",
  },
  socketGroup: {
    flag: "socket-group",
    env: "DENO_RUNNER_SOCKET_GROUP",
    value: "NAME|GID",
    about: "group of the socket (that of the process)",
  },
  logLevel: {
    flag: "log-level",
    env: "DENO_RUNNER_LOG_LEVEL",
    value: LOG_LEVELS.join("|"),
    about: "the least level that is logged (warn; info with --watch)",
  },
  logFormat: {
    flag: "log-format",
    env: "DENO_RUNNER_LOG_FORMAT",
    value: LOG_FORMATS.join("|"),
    about: "lines for people or for machines (text)",
  },
  logFile: {
    flag: "log-file",
    env: "DENO_RUNNER_LOG_FILE",
    value: "PATH",
    about: "log to a file, not to standard error, which APISIX puts into its error.log",
  },
  probeHead: {
    flag: "head-probe",
    env: "DENO_RUNNER_HEAD_PROBE",
    value: "on|off",
    about: "ask for the method in response calls, for HEAD (on); off for APISIX 2.14 and 2.15",
  },
} as const satisfies Record<string, SettingOption>;

/** All settings, for parsing and for the help. */
export const SETTING_OPTIONS: readonly SettingOption[] = Object.values(OPTIONS);

/** Where settings come from, the strongest first. */
export interface SettingSources {
  /** What a program gives. */
  readonly given?: SettingsInput;
  /** Values of flags, by flag: one, or those that came. */
  readonly flags?: Readonly<Record<string, string | readonly string[]>>;
  /** The switches that are there. */
  readonly switches?: ReadonlySet<string>;
  /** Looks up an environment variable. */
  readonly env: (name: string) => string | undefined;
}

/**
 * Puts the settings together and checks them.
 *
 * @param sources Where they come from.
 * @returns The settings.
 * @throws {UsageError} When one is missing or cannot be used, naming its flag or variable.
 */
export function resolveSettings(
  { given = {}, flags = {}, switches = new Set(), env }: SettingSources,
): Settings {
  const read = <Value>(
    option: SettingOption,
    value: Value | undefined,
    parse: (text: string) => Value | null,
  ): Value | undefined => {
    if (value !== undefined) return value;
    const flag = [flags[option.flag] ?? []].flat().at(-1);
    if (flag !== undefined) return checked(option, `--${option.flag}`, flag, parse);
    const variable = env(option.env);
    if (variable === undefined || variable === "") return undefined;
    return checked(option, option.env, variable, parse);
  };
  const list = (option: SettingOption): readonly string[] => {
    const values = [flags[option.flag] ?? []].flat();
    if (values.length > 0) return values;
    return (env(option.env) ?? "").split(":").filter((value) => value !== "");
  };
  const isOn = (option: SettingOption, value: boolean | undefined): boolean => {
    if (value === undefined && switches.has(option.flag)) return true;
    return read(option, value, onOff) ?? false;
  };
  checkNumbers(given);
  const path = given.listen === undefined
    ? read(OPTIONS.listen, undefined, unixPath)
    : checked(OPTIONS.listen, "listen", given.listen, unixPath);
  if (path === undefined) {
    throw new UsageError(
      "Cannot start without an address: set APISIX_LISTEN_ADDRESS or --listen, for example " +
        "--listen unix:/tmp/runner.sock (APISIX sets the variable when it starts the runner)",
    );
  }
  checkSocketPath(path);
  const watch = isOn(OPTIONS.watch, given.watch);
  return {
    path,
    pluginPaths: given.pluginPaths ?? list(OPTIONS.plugins),
    keepGoing: isOn(OPTIONS.keepGoing, given.keepGoing),
    watch,
    confExpireSeconds: read(OPTIONS.confExpire, given.confExpireSeconds, positive) ?? 3600,
    callTimeoutMs: read(OPTIONS.callTimeout, given.callTimeoutMs, positive) ?? 55_000,
    socketMode: read(OPTIONS.socketMode, given.socketMode, octal) ?? 0o666,
    socketGroup: read(OPTIONS.socketGroup, given.socketGroup, notEmpty) ?? null,
    logLevel: read(OPTIONS.logLevel, given.logLevel, oneOf(LOG_LEVELS)) ??
      // Who watches wants to see what happens.
      (watch ? "info" : "warn"),
    logFormat: read(OPTIONS.logFormat, given.logFormat, oneOf(LOG_FORMATS)) ?? "text",
    logFile: read(OPTIONS.logFile, given.logFile, notEmpty) ?? null,
    probeHead: read(OPTIONS.probeHead, given.probeHead, onOff) ?? true,
  };
}

function checked<Value>(
  { value = "on|off" }: SettingOption,
  source: string,
  text: string,
  parse: (text: string) => Value | null,
): Value {
  const parsed = parse(text);
  if (parsed !== null) return parsed;
  throw new UsageError(
    `Cannot use ${source} ${JSON.stringify(text)}: expected ${value}`,
  );
}

/** What a program gives was not parsed, and the compiler does not know which numbers make sense. */
function checkNumbers(
  { confExpireSeconds = 1, callTimeoutMs = 1, socketMode = 0 }: SettingsInput,
): void {
  for (const [name, value] of Object.entries({ confExpireSeconds, callTimeoutMs })) {
    if (!(value > 0 && value <= MAX_NUMBER)) {
      throw new UsageError(
        `Cannot use ${name} ${value}: expected more than 0, up to ${MAX_NUMBER}`,
      );
    }
  }
  if (!Number.isInteger(socketMode) || socketMode < 0 || socketMode > 0o7777) {
    throw new UsageError(`Cannot use socketMode ${socketMode}: expected 0 to 0o7777`);
  }
}

function unixPath(address: string): string | null {
  const path = /^unix:(.+)$/s.exec(address)?.[1];
  return path === undefined || path.includes("\0") ? null : resolve(path);
}

function positive(text: string): number | null {
  const number = Number(text);
  return /^\d+$/.test(text) && number > 0 && number <= MAX_NUMBER ? number : null;
}

function octal(text: string): number | null {
  return /^(0o)?[0-7]{3,4}$/.test(text) ? parseInt(text.replace("0o", ""), 8) : null;
}

function notEmpty(text: string): string | null {
  return text === "" ? null : text;
}

function oneOf<Value extends string>(values: readonly Value[]): (text: string) => Value | null {
  return (text) => values.find((value) => value === text) ?? null;
}

function onOff(text: string): boolean | null {
  return text === "on" ? true : text === "off" ? false : null;
}
