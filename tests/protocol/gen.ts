/**
 * Makes `gen/` from the schema: accessors by the FlatBuffers compiler, which the tests hold
 * against the hand-written ones of `protocol/`. Run it with `deno task gen`, in the project's root.
 *
 * What it makes is committed, so only a change of the schema needs `flatc` (2.0.8 made it; Debian
 * has it in the package flatbuffers-compiler).
 *
 * @module
 */

const SCHEMA = "protocol/ext_plugin.fbs";
const TARGET = "tests/protocol/gen";

/** The old compiler's code is neither strict nor tidy; it is a witness, not a part of the runner. */
const HEADER = "// deno-lint-ignore-file\n// @ts-nocheck\n";

async function flatc(...args: string[]): Promise<void> {
  try {
    const { success, stdout, stderr } = await new Deno.Command("flatc", { args }).output();
    if (success) return;
    const decoder = new TextDecoder();
    throw new Error(`flatc failed:\n${decoder.decode(stdout)}${decoder.decode(stderr)}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("Cannot find flatc: install the FlatBuffers compiler, or put it on the PATH");
  }
}

/** Deno wants file names in imports. */
function adapt(code: string): string {
  return HEADER + code.replaceAll(/from '(\.[^']*)'/g, "from '$1.ts'");
}

async function adaptAll(folder: string): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) await adaptAll(path);
    else await Deno.writeTextFile(path, adapt(await Deno.readTextFile(path)));
  }
}

/** Also forgets files of tables that the schema no longer has. */
async function clear(): Promise<void> {
  await Deno.remove(TARGET, { recursive: true }).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

if (import.meta.main) {
  try {
    await flatc("--version"); // Before anything is removed.
    await clear();
    await flatc("--ts", "-o", TARGET, SCHEMA);
    await adaptAll(TARGET);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
