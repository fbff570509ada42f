/**
 * The program `deno-runner`: the command line with the bundled plugins.
 *
 * @module
 */

// All of the package, as plugin files on disk can import all of it.
import { bundledPlugins, main } from "../mod.ts";

/** The rest of it: to name it here makes it part of the executable. */
export const testing = (): Promise<typeof import("./apisix/testing.ts")> =>
  import("./apisix/testing.ts");

await main({ plugins: bundledPlugins });
