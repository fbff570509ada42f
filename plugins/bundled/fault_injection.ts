/**
 * `fault-injection`: fails a share of the requests. The Go runner's sample of the same name.
 *
 * @module
 */

import { z } from "zod";

import { definePlugin, type Plugin, stop } from "../mod.ts";

const config = z.object({
  /** The status to answer with. */
  http_status: z.int().min(200).max(999),
  /** The body to answer with. */
  body: z.string().default(""),
  /** How many of a hundred requests are hit. */
  percentage: z.int().min(0).max(100).default(100),
}).transform(({ http_status, body, percentage }) => ({
  answer: stop(body, { status: http_status }),
  percentage,
}));

/** Stops `percentage` of the requests with `http_status` and `body`. */
export const faultInjection: Plugin = definePlugin({
  name: "fault-injection",
  config,
  onRequest({ config }) {
    if (Math.random() * 100 < config.percentage) return config.answer;
  },
});
