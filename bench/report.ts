/**
 * The results of a run as text and as a picture.
 *
 * @module
 */

import type { Burst } from "./measure.ts";
import { bestRatio, ratios, shown, spread } from "./stats.ts";

/** The bursts of one server in one scenario with one number of connections, a round each. */
export interface Series {
  /** The server. */
  readonly server: string;
  /** The scenario; for the echo that of no action. */
  readonly scenario: string;
  /** Busy connections. */
  readonly connections: number;
  /** One burst a round. */
  readonly bursts: readonly Burst[];
  /** Those of the limit, each taken directly before. */
  readonly bases: readonly Burst[];
}

/** The server that sets the limit. */
export const LIMIT = "C echo";

/**
 * A table for each number of connections.
 *
 * @param all All series.
 * @returns Markdown.
 */
export function tables(all: readonly Series[]): string {
  const counts = [...new Set(all.map((series) => series.connections))];
  return counts.map((count) => table(all, count)).join("\n\n");
}

function table(all: readonly Series[], connections: number): string {
  const rows = all.filter((series) => series.connections === connections).map((series) => {
    const of = (pick: (burst: Burst) => number) => series.bursts.map(pick);
    const against = (pick: (burst: Burst) => number) => ratios(of(pick), series.bases.map(pick));
    const best = (pick: (burst: Burst) => number, which: "highest" | "lowest") =>
      bestRatio(of(pick), series.bases.map(pick), which)?.toFixed(2) ?? "the rounds disagree";
    const median = (pick: (burst: Burst) => number) => spread(of(pick)).median;
    return [
      series.server,
      series.server === LIMIT ? "" : series.scenario,
      shown(against((burst) => burst.rate)),
      best((burst) => burst.rate, "highest"),
      shown(against((burst) => burst.p99)),
      best((burst) => burst.p99, "lowest"),
      median((burst) => burst.cpu).toFixed(1),
      median((burst) => burst.p50).toFixed(0),
      median((burst) => burst.p99).toFixed(0),
      median((burst) => burst.p999).toFixed(0),
      median((burst) => burst.memory).toFixed(0),
    ];
  });
  const head = [
    "Server",
    "Scenario",
    "Rate / C echo",
    "best rounds",
    "p99 / C echo",
    "best rounds",
    "CPU µs",
    "p50 µs",
    "p99 µs",
    "p99.9 µs",
    "MB",
  ];
  return `### ${connections} connection${connections === 1 ? "" : "s"}\n\n${markdown(head, rows)}`;
}

/**
 * A table in Markdown.
 *
 * @param head The names of the columns.
 * @param rows The cells.
 */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const BAR = { height: 18, gap: 6, left: 330, width: 520, top: 60 } as const;

/**
 * A bar chart of the rates at one number of connections, in parts of the limit.
 *
 * @param all All series.
 * @param connections Busy connections.
 * @returns An SVG document.
 */
export function barChart(all: readonly Series[], connections: number): string {
  const series = all.filter((one) => one.connections === connections);
  const height = BAR.top + series.length * (BAR.height + BAR.gap) + 20;
  const bars = series.map((one, i) => {
    const rate = (bursts: readonly Burst[]) => bursts.map((burst) => burst.rate);
    const { median, low, high } = ratios(rate(one.bursts), rate(one.bases));
    const y = BAR.top + i * (BAR.height + BAR.gap);
    const x = (ratio: number) => (BAR.left + Math.min(ratio, 1.2) / 1.2 * BAR.width).toFixed(1);
    const colour = one.server.startsWith("deno") ? "#2a7ae2" : "#a8a8a8";
    const middle = y + BAR.height / 2;
    const name = one.server === LIMIT ? one.server : `${one.server}: ${one.scenario}`;
    return `<text x="${BAR.left - 8}" y="${middle + 4}" text-anchor="end">${name}</text>
<rect x="${BAR.left}" y="${y}" width="${
      Number(x(median)) - BAR.left
    }" height="${BAR.height}" fill="${colour}"/>
<line x1="${x(low)}" x2="${x(high)}" y1="${middle}" y2="${middle}" stroke="#000"/>
<text x="${Number(x(high)) + 6}" y="${middle + 4}">${median.toFixed(2)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${
    BAR.left + BAR.width + 60
  }" height="${height}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#fff"/>
<text x="20" y="30" font-size="16">Calls per second at ${connections} connections, in parts of a C epoll echo; one core</text>
${bars.join("\n")}
</svg>
`;
}
