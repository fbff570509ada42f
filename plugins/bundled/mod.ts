/**
 * The plugins that come with the binary. They import only what a user's plugin can.
 *
 * @module
 */

import type { Plugin } from "../mod.ts";
import { faultInjection } from "./fault_injection.ts";
import { limitReq } from "./limit_req.ts";
import { requestBodyRewrite } from "./request_body_rewrite.ts";
import { responseRewrite } from "./response_rewrite.ts";
import { rewrite } from "./rewrite.ts";
import { say } from "./say.ts";

/** All bundled plugins: the Go runner's five samples, and `rewrite`. */
export const bundledPlugins: readonly Plugin[] = [
  say,
  faultInjection,
  limitReq,
  requestBodyRewrite,
  responseRewrite,
  rewrite,
];
