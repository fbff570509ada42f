/**
 * `help`: what there is, and how it is used.
 *
 * @module
 */

import { type Command, commandNamed, type Host, type Parsed, refuseWords } from "../command.ts";
import { ExitCode } from "../../errors.ts";
import { commandHelp, programHelp } from "../help.ts";

/** Shows the help of the program or of a command. */
export const help: Command = {
  name: "help",
  summary: "show how a command is used",
  usage: "[COMMAND]",
  options: [],
  words: "commands",
  run({ words: [word, ...rest] }: Parsed, host: Host): Promise<number> {
    refuseWords(rest);
    host.stdout(
      word === undefined ? programHelp(host) : commandHelp(host, commandNamed(word, host)),
    );
    return Promise.resolve(ExitCode.OK);
  },
};
