/**
 * `run`: serves calls of APISIX.
 *
 * @module
 */

import { type Command, type Host, type Parsed, refuseWords } from "../command.ts";
import { ExitCode } from "../../errors.ts";
import { onEnd, surviveStrayErrors } from "../../lifecycle.ts";
import { start } from "../../serve.ts";
import { resolveSettings, SETTING_OPTIONS } from "../../settings.ts";
import { VERSION } from "../../version.ts";

/** How long the end waits for the log to be read, in milliseconds: APISIX kills after a second. */
const LAST_LINES_MS = 20;

/** Serves until the runner is told to end. */
export const run: Command = {
  name: "run",
  summary: "serve calls of APISIX until SIGTERM (the default)",
  usage: "[flags]",
  options: SETTING_OPTIONS,
  details: () =>
    "It listens on a unix socket, and ends at SIGTERM, SIGINT, or the end of standard input if\n" +
    "that is a pipe.",
  async run({ words, values, switches }: Parsed, { plugins, env }: Host): Promise<number> {
    refuseWords(words);
    const settings = resolveSettings({ flags: values, switches, env });
    const { server, log, logOutput } = await start(plugins, settings);
    surviveStrayErrors(log);
    onEnd((reason) => {
      log.info(`Ending: ${reason}`);
      server.shutdown();
    });
    log.info("Listening", { address: server.address, version: VERSION, pid: Deno.pid });
    await server.finished();
    await logOutput.flush(LAST_LINES_MS);
    return ExitCode.OK;
  },
};
