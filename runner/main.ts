/**
 * The program `deno-runner`: the command line with the bundled plugins.
 *
 * @module
 */

// All of the package, as plugin files on disk can import all of it.
import { bundledPlugins, main } from "../mod.ts";

await main({ plugins: bundledPlugins });
