/**
 * Completion for zsh.
 *
 * @module
 */

import type { Command, Host, Option } from "../command.ts";
import {
  flagsOf,
  functionName,
  type Offer,
  offerForValue,
  offerForWords,
  quoted,
} from "./offer.ts";

/**
 * The script.
 *
 * @param host What the program is.
 * @returns Text for a file `_NAME` on the fpath, or for `source`.
 */
export function zshScript(host: Host): string {
  const { name, commands } = host;
  const self = functionName(name);
  const [standard] = commands;
  return `#compdef ${name}
# Completion of ${name} for zsh. In ~/.zshrc, after compinit: source <(${name} completion zsh)
${self}() {
  local curcontext=$curcontext context state state_descr line
  typeset -A opt_args
  _arguments -C -A '-*' ${
    (standard === undefined ? [] : flagsOf(standard)).map(argument).join(" ")
  } \\
    ': :->command' '*:: :->words'
  case $state in
  command)
    local -a commands=(
${commands.map((command) => `      ${quoted(`${command.name}:${command.summary}`)}`).join("\n")}
    )
    _describe -t commands command commands
    ;;
  words)
    case $line[1] in
${commands.map((command) => clause(command, host)).join("\n")}
    esac
    ;;
  esac
}
if [[ $funcstack[1] == ${self} ]]; then
  ${self} "$@"
else
  compdef ${self} ${quoted(name)}
fi
`;
}

function clause(command: Command, host: Host): string {
  const flags = flagsOf(command).map(argument);
  const words = action(offerForWords(command, host));
  const all = [...flags, ...words === "" ? [] : [quoted(`*:argument:${words}`)]];
  return `    ${command.name}) _arguments ${all.join(" \\\n      ")} ;;`;
}

/** One flag as `_arguments` wants it. */
function argument(option: Option): string {
  const { flag, short, value, repeatable = false } = option;
  const about = `[${escaped(option.about)}]`;
  const tail = value === undefined
    ? about
    : `${about}:${escaped(value)}:${action(offerForValue(option))}`;
  const mark = value === undefined ? ["", ""] : ["+", "="];
  if (short === undefined) return quoted(`${repeatable ? "*" : ""}--${flag}${mark[1]}${tail}`);
  const others = repeatable ? "'*'" : quoted(`(-${short} --${flag})`);
  return `${others}{-${short}${mark[0]},--${flag}${mark[1]}}${quoted(tail)}`;
}

function action(offer: Offer): string {
  if (offer.type === "files") return "_files";
  if (offer.type === "folders") return "_files -/";
  return offer.words.length === 0 ? "" : `(${offer.words.join(" ")})`;
}

function escaped(text: string): string {
  return text.replace(/[\\:\[\]]/g, "\\$&");
}
