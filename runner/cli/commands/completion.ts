/**
 * `completion`: what shells need to complete a command line, out of the table of commands.
 *
 * @module
 */

import { type Command, type Host, type Parsed, refuseWords } from "../command.ts";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import { zshScript } from "../completion/zsh.ts";
import { ExitCode, UsageError } from "../../errors.ts";
import { didYouMean } from "../suggestion.ts";

/** The script of each shell. */
const SCRIPTS: ReadonlyMap<string, (host: Host) => string> = new Map([
  ["bash", bashScript],
  ["zsh", zshScript],
  ["fish", fishScript],
]);

const SHELLS: readonly string[] = [...SCRIPTS.keys()];

/** Writes a completion script. */
export const completion: Command = {
  name: "completion",
  summary: "write a completion script for a shell",
  usage: SHELLS.join("|"),
  options: [],
  words: SHELLS,
  details: ({ name }) =>
    [
      `  bash  in ~/.bashrc: source <(${name} completion bash)`,
      `  zsh   in ~/.zshrc, after compinit: source <(${name} completion zsh)`,
      `  fish  in ~/.config/fish/config.fish: ${name} completion fish | source`,
    ].join("\n"),
  run({ words: [shell, ...rest] }: Parsed, host: Host): Promise<number> {
    refuseWords(rest);
    if (shell === undefined) throw new UsageError(`Which shell? One of ${SHELLS.join(", ")}`);
    const script = SCRIPTS.get(shell);
    if (script === undefined) {
      throw new UsageError(
        `There is no completion for ${JSON.stringify(shell)}${didYouMean(shell, SHELLS)}`,
      );
    }
    host.stdout(script(host));
    return Promise.resolve(ExitCode.OK);
  },
};
