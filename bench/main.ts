/**
 * Measures the runner beside its peers and the limit, as it grows, and how it starts.
 *
 *     deno task bench [--rounds 9] [--connections 1,8,64,256,512] [--only peers,growth,start]
 *
 * Writes tables, pictures and all that was measured to `bench/results/`, and the tables into
 * `docs/performance.md`.
 *
 * @module
 */

import { parseArgs } from "node:util";

import { growth } from "./growth.ts";
import { repeated } from "./measure.ts";
import { peers } from "./peers.ts";
import type { Section } from "./section.ts";
import { compileLoad } from "./servers.ts";
import { start } from "./start.ts";
import { insertSection } from "./summary.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "9" },
    connections: { type: "string", default: "1,8,64,256,512" },
    only: { type: "string", default: "peers,growth,start" },
  },
});
const counts = values.connections.split(",").map(Number);
const wanted = values.only.split(",");

const folder = await Deno.makeTempDir({ prefix: "bench-" });
const run = { folder, program: await compileLoad(folder), rounds: Number(values.rounds) };
try {
  if (wanted.includes("peers")) await write(await peers(run, counts));
  if (wanted.includes("growth")) await write(await growth(run));
  if (wanted.includes("start")) await write(await start(run));
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function write({ name, title, text, picture, data }: Section): Promise<void> {
  const results = new URL("results/", import.meta.url);
  await Deno.mkdir(results, { recursive: true });
  const measured = `${run.rounds} rounds, ${repeated.count} bursts repeated since the host was ` +
    "busy with others. A ratio is the median over the rounds of a burst against the one taken " +
    "directly before it; in brackets the middle half of the rounds. Best rounds are the three of " +
    "each that were disturbed least.";
  await Deno.writeTextFile(new URL(`${name}.json`, results), JSON.stringify(data) + "\n");
  if (picture !== undefined) await Deno.writeTextFile(new URL(`${name}.svg`, results), picture);
  await insertSection(name, `${measured}\n\n${text}`);
  console.log(`## ${title}\n\n${measured}\n\n${text}\n`);
}
