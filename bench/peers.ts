/**
 * The runner beside its peers and the limit.
 *
 * @module
 */

import type { Burst, Load } from "./measure.ts";
import { barChart, LIMIT, type Series, tables } from "./report.ts";
import { measure, type Pair } from "./rounds.ts";
import { prepare, type Scenario, SCENARIOS } from "./scenarios.ts";
import { type Server, startServers } from "./servers.ts";
import type { Run, Section } from "./section.ts";

const NAMES = ["C echo", "empty listener", "deno-runner", "Go runner", "Go runner, as it comes"];

/** How long a burst takes, in milliseconds: short, so that most of them are not disturbed. */
const MILLISECONDS = 120;

/** The number of connections that the picture shows. */
const PICTURED = 64;

/**
 * Measures all servers in all scenarios at several numbers of connections.
 *
 * @param run How to measure.
 * @param counts Numbers of busy connections.
 */
export async function peers(run: Run, counts: readonly number[]): Promise<Section> {
  const { servers, missing } = await startServers(run.folder, NAMES);
  try {
    const found: { series: Omit<Series, keyof Measurements>; pair: Pair }[] = [];
    for (const connections of counts) {
      const limit = await limitLoad(run, servers, connections);
      for (const server of servers) {
        for (const scenario of scenariosOf(server)) {
          const load = await loadOf(run, server, scenario, connections);
          const name = [server.name, scenario.name, connections].join("|");
          found.push({
            series: { server: server.name, scenario: scenario.name, connections },
            pair: { name, load, base: server.name === LIMIT ? null : limit },
          });
        }
      }
    }
    const results = await measure(found.map(({ pair }) => pair), run.rounds);
    const series = found.map(({ series, pair }): Series => {
      const { bursts = [], bases = [] } = results.get(pair.name) ?? {};
      return { ...series, bursts, bases };
    });
    const pictured = counts.includes(PICTURED) ? PICTURED : counts[0] ?? PICTURED;
    return {
      name: "peers",
      title: "Beside its peers",
      text: [...missing.map((name) => `Missing here: ${name}`), tables(series)].join("\n\n"),
      picture: barChart(series, pictured),
      data: series,
    };
  } finally {
    for (const server of servers) await server.stop();
  }
}

interface Measurements {
  bursts: readonly Burst[];
  bases: readonly Burst[];
}

function scenariosOf({ name, speaks }: Server): Scenario[] {
  return SCENARIOS.filter((scenario, i) =>
    speaks ? !name.startsWith("Go") || scenario.inGo === true : i === 0
  );
}

async function limitLoad(run: Run, servers: readonly Server[], connections: number): Promise<Load> {
  const limit = servers.find(({ name }) => name === LIMIT);
  const [first] = SCENARIOS;
  if (limit === undefined || first === undefined) {
    throw new Error(`Cannot compare with the ${LIMIT}: it could not be built`);
  }
  return await loadOf(run, limit, first, connections);
}

async function loadOf(
  { program, folder }: Run,
  { socket, pid, speaks }: Server,
  scenario: Scenario,
  connections: number,
): Promise<Load> {
  const { call, answer } = await prepare(scenario, speaks ? socket : null);
  const callFile = await Deno.makeTempFile({ dir: folder });
  await Deno.writeFile(callFile, call);
  const answerFile = answer === null ? "-" : await Deno.makeTempFile({ dir: folder });
  if (answer !== null) await Deno.writeFile(answerFile, answer);
  return { program, socket, pid, callFile, answerFile, connections, milliseconds: MILLISECONDS };
}
