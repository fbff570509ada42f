/**
 * Measures the runner beside its peers and the limit, all in one run: short bursts in a new order
 * each round, so that what disturbs the machine disturbs all of them.
 *
 *     deno task bench [--rounds 7] [--milliseconds 300] [--connections 1,8,64,256,512]
 *
 * Writes `bench/results/latest.json`, `latest.md` and `latest.svg`.
 *
 * @module
 */

import { parseCommandLine } from "../runner/args.ts";
import { type Burst, burst } from "./measure.ts";
import { barChart, LIMIT, type Series, tables } from "./report.ts";
import { prepare, SCENARIOS } from "./scenarios.ts";
import { compileLoad, type Server, startServers } from "./servers.ts";

/** How many times as long the bursts are that do not count. */
const WARM_UP = 3;

/** One series that is being measured. */
interface Job extends Series {
  readonly target: Server;
  readonly callFile: string;
  readonly answerFile: string;
  readonly bursts: Burst[];
}

const { values } = parseCommandLine(Deno.args, [
  { flag: "rounds", value: "N", about: "how often everything is measured (7)" },
  { flag: "milliseconds", value: "MS", about: "how long a burst is (300)" },
  { flag: "connections", value: "N,…", about: "how many at a time (1,8,64,256,512)" },
]);
const rounds = Number(values["rounds"]?.[0] ?? 7);
const milliseconds = Number(values["milliseconds"]?.[0] ?? 300);
const counts = (values["connections"]?.[0] ?? "1,8,64,256,512").split(",").map(Number);

const folder = await Deno.makeTempDir({ prefix: "bench-" });
const program = await compileLoad(folder);
const { servers, missing } = await startServers(folder);
try {
  const jobs = (await Promise.all(servers.map(jobsOf))).flat();
  // The first round is for the compilers inside the servers, and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const job of shuffled(jobs)) {
      const { target: { socket, pid }, connections, callFile, answerFile } = job;
      const load = { program, socket, pid, callFile, answerFile, connections, idle: 0 };
      const length = round === 0 ? WARM_UP * milliseconds : milliseconds;
      const result = await burst({ ...load, milliseconds: length });
      if (round > 0) job.bursts.push(result);
    }
    console.log(`round ${round} of ${rounds}`);
  }
  await write(jobs, missing);
} finally {
  for (const server of servers) await server.stop();
  await Deno.remove(folder, { recursive: true });
}

async function jobsOf(target: Server): Promise<Job[]> {
  const jobs: Job[] = [];
  for (const scenario of SCENARIOS) {
    const isFirst = scenario === SCENARIOS[0];
    if (!target.speaks && !isFirst) continue;
    if (target.name.startsWith("Go") && scenario.inGo !== true) continue;
    const { call, answer } = await prepare(scenario, target.speaks ? target.socket : null);
    const callFile = await Deno.makeTempFile({ dir: folder });
    await Deno.writeFile(callFile, call);
    const answerFile = answer === null ? "-" : await Deno.makeTempFile({ dir: folder });
    if (answer !== null) await Deno.writeFile(answerFile, answer);
    for (const connections of counts) {
      const { name: server } = target;
      const common = { server, scenario: scenario.name, connections };
      jobs.push({ ...common, target, callFile, answerFile, bursts: [] });
    }
  }
  return jobs;
}

async function write(jobs: readonly Job[], missing: readonly string[]): Promise<void> {
  const series: Series[] = jobs.map(({ server, scenario, connections, bursts }) => ({
    server,
    scenario,
    connections,
    bursts,
  }));
  const results = new URL("results/", import.meta.url);
  await Deno.mkdir(results, { recursive: true });
  const text = [
    "# The last run",
    `${rounds} rounds of ${milliseconds} ms; servers on one core, the load on another. A ratio is the ` +
    `median over the rounds of a burst against that of the ${LIMIT} in the same round, with the ` +
    "range of the middle half of the rounds.",
    ...missing.map((name) => `Missing: ${name}`),
    tables(series),
    "",
  ].join("\n\n");
  await Deno.writeTextFile(new URL("latest.md", results), text);
  await Deno.writeTextFile(new URL("latest.svg", results), barChart(series, picked(64)));
  await Deno.writeTextFile(new URL("latest.json", results), JSON.stringify(series, null, 1) + "\n");
  console.log(text);
}

/** The count that the picture shows: the wanted one if it was measured. */
function picked(wanted: number): number {
  return counts.includes(wanted) ? wanted : counts[0] ?? wanted;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items.map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order).map(({ item }) => item);
}
