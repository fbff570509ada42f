/**
 * Completion for bash.
 *
 * @module
 */

import type { Host } from "../command.ts";
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
 * @returns Text for `source`.
 */
export function bashScript(host: Host): string {
  const { name, commands } = host;
  const [standard] = commands;
  const self = functionName(name);
  const names = commands.map((command) => command.name);
  const values = commands.flatMap((command) =>
    command.options.filter(({ value }) => value !== undefined).map((option) => {
      const flags = [`--${option.flag}`, ...option.short === undefined ? [] : [`-${option.short}`]];
      const places = flags.map((flag) => `${command.name}:${flag}`).join("|");
      return `    ${places}) ${reply(offerForValue(option))}; return ;;`;
    })
  );
  const words = commands.map((command) =>
    `    ${command.name}) ${reply(offerForWords(command, host))} ;;`
  );
  const flags = commands.map((command) => {
    const all = flagsOf(command).flatMap(({ flag, short }) =>
      short === undefined ? [`--${flag}`] : [`--${flag}`, `-${short}`]
    );
    return `      ${command.name}) ${reply({ type: "words", words: all })} ;;`;
  });
  return `# Completion of ${name} for bash. In ~/.bashrc: source <(${name} completion bash)
${self}() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= i
  # An = is a word of its own for bash.
  if [[ $word == = ]]; then
    word=
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
    ${names.join("|")}) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  COMPREPLY=()
  case \${command:-${standard?.name ?? ""}}:$previous in
${values.join("\n")}
  esac
  if [[ $word == -* ]]; then
    case \${command:-${standard?.name ?? ""}} in
${flags.join("\n")}
    esac
    return
  fi
  case $command in
    '') ${reply({ type: "words", words: names })} ;;
${words.join("\n")}
  esac
}
complete -F ${self} ${quoted(name)}
`;
}

function reply(offer: Offer): string {
  if (offer.type === "files") {
    return 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word")';
  }
  if (offer.type === "folders") {
    return 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$word")';
  }
  if (offer.words.length === 0) return ":";
  return `mapfile -t COMPREPLY < <(compgen -W ${quoted(offer.words.join(" "))} -- "$word")`;
}
