/**
 * Completion for fish.
 *
 * @module
 */

import type { Command, Host, Option } from "../command.ts";
import { flagsOf, type Offer, offerForValue, offerForWords, quoted } from "./offer.ts";

/**
 * The script.
 *
 * @param host What the program is.
 * @returns Text for `source`.
 */
export function fishScript(host: Host): string {
  const { name, commands } = host;
  const [standard] = commands;
  const program = quoted(name);
  const names = commands.map((command) => command.name).join(" ");
  const none = `not __fish_seen_subcommand_from ${names}`;
  const lines = commands.flatMap((command) => {
    const seen = `__fish_seen_subcommand_from ${command.name}`;
    return [
      `complete -c ${program} -n ${quoted(none)} -a ${command.name} -d ${quoted(command.summary)}`,
      ...flagsOf(command).map((option) => flagLine(program, seen, option)),
      ...wordLine(program, seen, command, host),
    ];
  });
  return `# Completion of ${name} for fish.
# In ~/.config/fish/config.fish: ${name} completion fish | source
complete -c ${program} -f
${lines.join("\n")}
${
    (standard === undefined ? [] : flagsOf(standard)).map((option) =>
      flagLine(program, none, option)
    ).join("\n")
  }
`;
}

function flagLine(program: string, condition: string, option: Option): string {
  const { flag, short, value, about } = option;
  const names = `-l ${flag}${short === undefined ? "" : ` -s ${short}`}`;
  const rest = value === undefined ? "" : ` -r${parameters(offerForValue(option))}`;
  return `complete -c ${program} -n ${quoted(condition)} ${names}${rest} -d ${quoted(about)}`;
}

function wordLine(program: string, condition: string, command: Command, host: Host): string[] {
  const offered = parameters(offerForWords(command, host));
  return offered === " -f" ? [] : [`complete -c ${program} -n ${quoted(condition)}${offered}`];
}

function parameters(offer: Offer): string {
  if (offer.type === "files") return " -F";
  if (offer.type === "folders") return " -f -a '(__fish_complete_directories)'";
  return offer.words.length === 0 ? " -f" : ` -f -a ${quoted(offer.words.join(" "))}`;
}
