/**
 * The program `deno-runner`: the command line with the bundled plugins.
 *
 * @module
 */

import { bundledPlugins } from "../plugins/bundled/mod.ts";
import { main } from "./cli.ts";

await main({ plugins: bundledPlugins });
