/**
 * The micro-benchmarks beside their last committed results.
 *
 *     deno task bench:compare            says what became better, worse, or is the same
 *     deno task bench:compare --save     writes bench/results/parts.json anew
 *
 * Machines differ, and so does one machine from hour to hour: what is compared is each part's time
 * in units of a fixed piece of work that was measured in the same run, the quickest of several runs.
 *
 * @module
 */

import { markdown } from "./report.ts";

/** The work that is the unit. */
const UNIT = "the unit: fixed work";

/** How many runs are made of each. */
const RUNS = 3;

/** What changed by less than this may be noise, however quiet the machine was. */
const NOISE = 0.15;

const RESULTS = new URL("results/parts.json", import.meta.url);

/** For each part the quickest run, and the slowest of the runs' quickest iterations, in units. */
type Times = Record<string, { readonly low: number; readonly high: number }>;

if (import.meta.main) {
  const now = await measured();
  if (Deno.args.includes("--save")) {
    await Deno.mkdir(new URL(".", RESULTS), { recursive: true });
    await Deno.writeTextFile(RESULTS, JSON.stringify(now, null, 1) + "\n");
  }
  console.log(compared(now, timesOf(JSON.parse(await Deno.readTextFile(RESULTS)))));
}

/**
 * A table of what became of each part.
 *
 * @param now The times of this run.
 * @param then The times that were committed.
 * @returns Markdown.
 */
export function compared(now: Times, then: Times): string {
  const rows = Object.entries(now).map(([name, { low, high }]) => {
    const before = then[name];
    if (before === undefined) return [name, low.toFixed(3), "", "new"];
    return [name, low.toFixed(3), before.low.toFixed(3), verdict({ low, high }, before)];
  });
  return markdown(["Part", "Now", "Before", "Verdict"], rows);
}

/** Better or worse only where the ranges are apart, and by more than noise can make. */
function verdict(now: Times[string], before: Times[string]): string {
  const change = `${((now.low / before.low - 1) * 100).toFixed(0)} %`;
  if (now.low > before.high && now.low > before.low * (1 + NOISE)) return `worse: +${change}`;
  if (now.high < before.low && now.low < before.low * (1 - NOISE)) return `better: ${change}`;
  return "same";
}

async function measured(): Promise<Times> {
  const times = new Map<string, number[]>();
  for (let run = 0; run < RUNS; run++) {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bench", "--json", "--allow-all", new URL(".", import.meta.url).pathname],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const found = quickest(JSON.parse(new TextDecoder().decode(stdout)));
    const unit = found.get(UNIT);
    if (unit === undefined) throw new Error(`There is no benchmark "${UNIT}"`);
    for (const [name, time] of found) {
      if (name !== UNIT) times.set(name, [...times.get(name) ?? [], time / unit]);
    }
  }
  return Object.fromEntries(
    Array.from(times, ([name, each]) => [name, {
      low: Math.min(...each),
      high: Math.max(...each),
    }]),
  );
}

/** The quickest iteration of each benchmark in what `deno bench --json` says. */
function quickest(report: unknown): Map<string, number> {
  const found = new Map<string, number>();
  for (const bench of list(field(report, "benches"))) {
    const [result] = list(field(bench, "results"));
    const min = field(field(result, "ok"), "min");
    const name = field(bench, "name");
    if (typeof min === "number" && typeof name === "string") found.set(name, min);
  }
  return found;
}

function timesOf(saved: unknown): Times {
  return Object.fromEntries(
    Object.entries(saved ?? {}).map(([name, times]) => [name, {
      low: Number(field(times, "low")),
      high: Number(field(times, "high")),
    }]),
  );
}

function field(value: unknown, name: string): unknown {
  return Object.entries(value ?? {}).find(([key]) => key === name)?.[1];
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
