/**
 * The runner that is measured: the command line with the bundled plugins and those of the scenarios.
 *
 * @module
 */

import { bundledPlugins, main } from "../../mod.ts";
import { scenarioPlugins } from "./plugins.ts";

await main({ name: "bench-runner", plugins: [...bundledPlugins, ...scenarioPlugins] });
