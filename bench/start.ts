/**
 * From `exec` to the first answered call, and what waiting costs.
 *
 * @module
 */

import { Exchange } from "../runner/apisix/exchange.ts";
import { encodeHTTPReqCallReq } from "../protocol/encode_request.ts";
import { residentMegabytes } from "./measure.ts";
import { markdown } from "./report.ts";
import { request } from "./request.ts";
import type { Run, Section } from "./section.ts";
import { startServer } from "./servers.ts";
import { bestRatio, ratios, shown, spread } from "./stats.ts";

const RUNNER = "deno-runner";
const BASE = "empty listener";

/** A call with a token that nobody gave: any answer says that the process serves. */
const CALL = encodeHTTPReqCallReq(request(1));

interface Start {
  /** From the start of the process to its first answer, in milliseconds. */
  readonly milliseconds: number;
  /** Resident memory behind it, in megabytes. */
  readonly memory: number;
}

/**
 * Starts the runner and the least that Deno can be, in turns.
 *
 * @param run How to measure.
 */
export async function start(run: Run): Promise<Section> {
  const runner: Start[] = [];
  const base: Start[] = [];
  // The first round brings the executables into memory, and does not count.
  for (let round = 0; round <= 2 * run.rounds; round++) {
    const bases = await oneStart(run.folder, BASE);
    const own = await oneStart(run.folder, RUNNER);
    if (round === 0) continue;
    base.push(bases);
    runner.push(own);
  }
  const row = (name: string, pick: (start: Start) => number, unit: string) => [
    name,
    shown(ratios(runner.map(pick), base.map(pick))),
    bestRatio(runner.map(pick), base.map(pick), "lowest")?.toFixed(2) ?? "the rounds disagree",
    `${spread(runner.map(pick)).median.toFixed(0)} ${unit}`,
    `${spread(base.map(pick)).median.toFixed(0)} ${unit}`,
  ];
  return {
    name: "start",
    title: "Start, and waiting",
    text: markdown(["What", "Ratio", "best rounds", "Runner", "Empty compiled listener"], [
      row("From exec to the first answer", ({ milliseconds }) => milliseconds, "ms"),
      row("Memory while idle", ({ memory }) => memory, "MB"),
    ]),
    data: { runner, base },
  };
}

async function oneStart(folder: string, name: string): Promise<Start> {
  const begin = performance.now();
  const server = await startServer(folder, name, `start-${crypto.randomUUID().slice(0, 8)}`);
  try {
    const connection = await Deno.connect({ transport: "unix", path: server.socket });
    const exchange = new Exchange(connection);
    await exchange.send(CALL);
    await exchange.receive();
    const milliseconds = performance.now() - begin;
    exchange.close();
    return { milliseconds, memory: residentMegabytes(server.pid) };
  } finally {
    await server.stop();
  }
}
