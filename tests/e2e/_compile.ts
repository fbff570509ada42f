/**
 * Executables for the tests.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the checkout. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** Where executables for tests are kept; git ignores it. */
const FOLDER = join(ROOT, "dist", "tests");

/** What the executables are made of. */
const SOURCES = [
  "mod.ts",
  "deno.json",
  "deno.lock",
  "protocol",
  "plugins",
  "runner",
  "tests/testdata",
];

/**
 * Compiles a module to an executable with all permissions.
 *
 * @param main The module, from the root of the checkout.
 * @param output The executable.
 */
export async function compile(main: string, output: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["compile", "--allow-all", "--output", output, join(ROOT, main)],
    cwd: ROOT,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`Cannot compile ${main}: ${new TextDecoder().decode(stderr)}`);
}

/**
 * The executable of a module, compiled when a source has changed since the last time. Whichever
 * test file comes first does it; the others wait.
 *
 * @param main The module, from the root of the checkout.
 * @param name The name of the executable.
 * @returns Its path.
 */
export async function compiled(main: string, name: string): Promise<string> {
  await Deno.mkdir(FOLDER, { recursive: true });
  const executable = join(FOLDER, name);
  using lock = await Deno.open(`${executable}.lock`, { create: true, write: true });
  await lock.lock(true);
  const state = await stateOfSources();
  if (await readOrEmpty(`${executable}.state`) !== state) {
    // Not over the old one, which a killed run may have left running.
    await compile(main, `${executable}.new`);
    await Deno.rename(`${executable}.new`, executable);
    await Deno.writeTextFile(`${executable}.state`, state);
  }
  return executable;
}

async function stateOfSources(): Promise<string> {
  const hash = createHash("sha256").update(Deno.version.deno);
  for (const source of SOURCES) await addTo(hash, join(ROOT, source));
  return hash.digest("hex");
}

async function addTo(hash: ReturnType<typeof createHash>, path: string): Promise<void> {
  if ((await Deno.stat(path)).isDirectory) {
    const names = Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
    for (const name of names) await addTo(hash, join(path, name));
  } else if (/\.(ts|json|lock)$/.test(path)) {
    hash.update(path).update(await Deno.readFile(path));
  }
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return "";
  }
}
