/**
 * A binary of one's own: the whole command line of the runner, with one's plugins inside.
 *
 *     deno compile --allow-all --output my-runner examples/custom-build/main.ts
 *
 * In a project of your own, import from the package in place of "../../mod.ts".
 *
 * @module
 */

import { bundledPlugins, main } from "../../mod.ts";
import apiKey from "./api_key.ts";

await main({ name: "my-runner", plugins: [apiKey, ...bundledPlugins] });
