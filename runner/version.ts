/**
 * Which version this is.
 *
 * @module
 */

import project from "../deno.json" with { type: "json" };

/** The version of the runner. */
export const VERSION: string = project.version;
