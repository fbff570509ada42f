/**
 * Whether this very program would take the arguments that `cmd` gives it.
 *
 * @module
 */

import { isAbsolute } from "node:path";

import { messageOf } from "../../../protocol/errors.ts";
import { HELP, type Host, refuseWords, VERSION_FLAG } from "../command.ts";
import { readCommandLine } from "../command_line.ts";
import type { Finding } from "../finding.ts";
import { resolveSettings } from "../../settings.ts";

/**
 * Looks at the arguments.
 *
 * @param args The words of `cmd` behind the program.
 * @param host The program.
 * @returns What is wrong with them; nothing when they start a runner.
 */
export function ownArgumentFindings(
  args: readonly string[],
  host: Pick<Host, "commands">,
): Finding[] {
  const todo = 'Write "run" and its flags: APISIX starts what ends again every 3 s.';
  const problem = (seen: string): Finding[] => [{ level: "problem", about: "cmd", seen, todo }];
  try {
    const { command, parsed: { words, values, switches } } = readCommandLine(args, host);
    for (const { flag } of [HELP, VERSION_FLAG]) {
      if (switches.has(flag)) return problem(`cmd has --${flag}: it shows that and ends`);
    }
    if (command !== host.commands[0]) {
      return problem(`cmd runs "${command.name}", which ends, and serves nobody`);
    }
    refuseWords(words);
    const env = (name: string) => APISIX_ENVIRONMENT[name];
    return resolveSettings({ flags: values, switches, env }).pluginPaths.flatMap(pluginFindings);
  } catch (error) {
    return problem(`the program refuses the arguments in cmd: ${messageOf(error)}`);
  }
}

function pluginFindings(path: string): Finding[] {
  const about = "cmd";
  if (!isAbsolute(path)) {
    return [{
      level: "problem",
      about,
      seen: `--plugins ${path} is relative: it is looked for where APISIX happened to be started`,
      todo: "Write the absolute path.",
    }];
  }
  if (exists(path)) return [];
  const seen = `--plugins ${path}: there is no such file or folder, and the runner does not start`;
  return [{ level: "problem", about, seen, todo: "Put the plugins there, or mend the path." }];
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** What APISIX adds; the path does not matter here. */
const APISIX_ENVIRONMENT: Readonly<Record<string, string>> = {
  APISIX_LISTEN_ADDRESS: "unix:/runner.sock",
  APISIX_CONF_EXPIRE_TIME: "3600",
};
