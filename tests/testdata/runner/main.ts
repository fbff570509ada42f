/**
 * A build of one's own for the end-to-end tests: the bundled plugins, and those that go further.
 *
 * @module
 */

import { bundledPlugins, main } from "../../../mod.ts";
import { plugins } from "./plugins.ts";

await main({ name: "test-runner", plugins: [...bundledPlugins, ...plugins] });
