/**
 * The process as the host of commands.
 *
 * @module
 */

import type { Plugin } from "../../plugins/plugin.ts";
import type { Command, Host } from "./command.ts";

/**
 * What commands can know of this process.
 *
 * @param name What the binary is called.
 * @param plugins The plugins that are built into it.
 * @param commands All commands.
 */
export function processHost(
  name: string,
  plugins: Iterable<Plugin>,
  commands: readonly Command[],
): Host {
  return {
    name,
    plugins: [...plugins],
    commands,
    isTerminal: Deno.stdout.isTerminal(),
    env: (name) => Deno.env.get(name),
    stdout: (text) => writeAll(Deno.stdout, text),
    stderr: (text) => writeAll(Deno.stderr, text),
    stdin: () => new Response(Deno.stdin.readable).bytes(),
  };
}

/** Writes it all, unless nobody reads it any more: `… | head -1` is no error. */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
