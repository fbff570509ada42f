/**
 * What a call costs as things grow: configurations, connections, chains, bodies.
 *
 * @module
 */

import { encodeHTTPReqCallReq } from "../protocol/encode_request.ts";
import { type Burst, type Load, residentMegabytes } from "./measure.ts";
import { markdown } from "./report.ts";
import { request } from "./request.ts";
import { measure, type Measured, type Pair } from "./rounds.ts";
import { prepare, prepareConf, type Scenario } from "./scenarios.ts";
import type { Run, Section } from "./section.ts";
import { type Server, startServer } from "./servers.ts";
import { bestRatio, ratios, shown } from "./stats.ts";

const MANY = 10_000;
const CHAINS = [5, 20];
const BODIES = [1024, 64 * 1024, 1024 * 1024, 16 * 1024 * 1024 - 4096];

/** Busy connections, but for large bodies. */
const BUSY = 64;
const BUSY_WITH_BODIES = 4;

const MILLISECONDS = 120;
/** A core moves a few gigabytes a second, so the largest bodies need longer. */
const MILLISECONDS_WITH_BODIES = 400;

const NOTHING: Scenario = { name: "no action", plugin: "nothing", conf: "{}" };

/**
 * Measures growth, each against the same with one of it; bodies against the echo of as many bytes.
 *
 * @param run How to measure.
 */
export async function growth(run: Run): Promise<Section> {
  const servers = {
    plain: await startServer(run.folder, "deno-runner", "plain"),
    confs: await startServer(run.folder, "deno-runner", "confs"),
    idle: await startServer(run.folder, "deno-runner", "idle"),
    echo: await startServer(run.folder, "C echo", "growth-echo"),
  };
  const idle: Deno.Conn[] = [];
  try {
    const pairs: Pair[] = [];
    const add = (name: string, load: Load, base: Load) => pairs.push({ name, load, base });
    const one = await nothing(run, servers.plain, 1);
    for (const count of [100, MANY]) {
      // The base sends as many frames, so that the generator's own memory is the same.
      const same = await repeatedCall(run, servers.plain, count);
      add(`${count} configurations`, await nothing(run, servers.confs, count), same);
    }
    const perConf = await memoryOf(servers.confs, () => untilPrepared(servers.confs));
    const before = residentMegabytes(servers.idle.pid);
    for (let i = 0; i < MANY; i++) {
      idle.push(await connected(servers.idle.socket));
    }
    const perConnection = (residentMegabytes(servers.idle.pid) - before) * 1e3 / MANY;
    add(`${MANY} idle connections`, await nothing(run, servers.idle, 1), one);
    for (const length of CHAINS) {
      add(`a chain of ${length} plugins`, await chain(run, servers.plain, length), one);
    }
    for (const size of BODIES) await addBodies(run, servers, size, add);
    const results = await measure(pairs, run.rounds);
    return {
      name: "growth",
      title: "As things grow",
      text: [
        table(pairs, results),
        `An idle connection takes ${perConnection.toFixed(1)} kB of memory, a configuration ` +
        `${(perConf * 1e3 / MANY).toFixed(1)} kB.`,
      ].join("\n\n"),
      data: { results: [...results], perConnection, perConf },
    };
  } finally {
    for (const connection of idle) connection.close();
    for (const server of Object.values(servers)) await server.stop();
  }
}

/** Connects, also where the queue of those to be accepted is full. */
async function connected(path: string): Promise<Deno.Conn> {
  for (;;) {
    try {
      return await Deno.connect({ transport: "unix", path });
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** What the memory of a server grows by, in megabytes. */
async function memoryOf({ pid }: Server, work: () => Promise<void>): Promise<number> {
  const before = residentMegabytes(pid);
  await work();
  return residentMegabytes(pid) - before;
}

/** Further configurations, to see what they take. */
async function untilPrepared({ socket }: Server): Promise<void> {
  for (let i = 0; i < MANY; i++) {
    await prepareConf([{ name: "say", value: `{"body":"hello ${i}"}` }], socket, `memory#${i}`);
  }
}

async function nothing(run: Run, server: Server, confs: number): Promise<Load> {
  const frames: Uint8Array[] = [];
  for (let i = 0; i < confs; i++) {
    frames.push((await prepare(NOTHING, server.socket, `route#${i}#ext-plugin-pre-req#1`)).call);
  }
  return await loadOf(run, server, frames);
}

async function repeatedCall(run: Run, server: Server, times: number): Promise<Load> {
  const { call } = await prepare(NOTHING, server.socket, "route#same#ext-plugin-pre-req#1");
  return await loadOf(run, server, Array.from({ length: times }, () => call));
}

async function chain(run: Run, server: Server, length: number): Promise<Load> {
  const entries = Array.from({ length }, () => ({ name: "nothing", value: "{}" }));
  const token = await prepareConf(entries, server.socket, `route#chain${length}#bench#1`);
  return await loadOf(run, server, [encodeHTTPReqCallReq(request(token))]);
}

/** A body that comes from APISIX and goes back to it, in either phase. */
async function addBodies(
  run: Run,
  servers: { readonly plain: Server; readonly echo: Server },
  size: number,
  add: (name: string, load: Load, base: Load) => void,
): Promise<void> {
  const answer = "x".repeat(size);
  const scenarios: Scenario[] = [
    { name: "request", plugin: "rewrite-body", conf: "{}", answer },
    { name: "response", plugin: "replace", conf: "{}", answer, isResponse: true },
  ];
  const echoed = new Uint8Array(size + 4);
  echoed.set([2, size >>> 16, size >>> 8 & 0xff, size & 0xff]);
  const base = bodiesLoad(await loadOf(run, servers.echo, [echoed]));
  for (const scenario of scenarios) {
    const { call, answer } = await prepare(scenario, servers.plain.socket);
    const load = await loadOf(run, servers.plain, [call], answer ?? undefined);
    add(`a ${scenario.name} body of ${sizeName(size)}, read and replaced`, bodiesLoad(load), base);
  }
}

function bodiesLoad(load: Load): Load {
  return { ...load, connections: BUSY_WITH_BODIES, milliseconds: MILLISECONDS_WITH_BODIES };
}

function sizeName(size: number): string {
  return size < 1024 * 1024
    ? `${Math.round(size / 1024)} kB`
    : `${Math.round(size / 1024 / 1024)} MB`;
}

async function loadOf(
  { program, folder }: Run,
  { socket, pid }: Server,
  calls: readonly Uint8Array[],
  answer?: Uint8Array,
): Promise<Load> {
  const callFile = await Deno.makeTempFile({ dir: folder });
  await Deno.writeFile(callFile, new Uint8Array(await new Blob(calls.map(copy)).arrayBuffer()));
  const answerFile = answer === undefined ? "-" : await Deno.makeTempFile({ dir: folder });
  if (answer !== undefined) await Deno.writeFile(answerFile, answer);
  const milliseconds = MILLISECONDS;
  return { program, socket, pid, callFile, answerFile, connections: BUSY, milliseconds };
}

function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function table(pairs: readonly Pair[], results: ReadonlyMap<string, Measured>): string {
  const rows = pairs.map(({ name }) => {
    const { bursts = [], bases = [] } = results.get(name) ?? {};
    const rate = ratios(bursts.map(({ rate }) => rate), bases.map(({ rate }) => rate));
    const cpu = ratios(bursts.map(({ cpu }) => cpu), bases.map(({ cpu }) => cpu));
    const against = name.includes("body") ? "a C echo of it" : "one";
    const best = (of: (one: Burst) => number, which: "highest" | "lowest") =>
      bestRatio(bursts.map(of), bases.map(of), which)?.toFixed(2) ?? "the rounds disagree";
    return [
      name,
      against,
      shown(rate),
      best(({ rate }) => rate, "highest"),
      shown(cpu),
      best(({ cpu }) => cpu, "lowest"),
    ];
  });
  const head = ["What", "Against", "Rate", "best rounds", "CPU per call", "best rounds"];
  return markdown(head, rows);
}
