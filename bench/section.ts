/**
 * The parts of a run, and what each gives.
 *
 * @module
 */

/** How to measure. */
export interface Run {
  /** The load generator. */
  readonly program: string;
  /** A folder for executables, sockets and frames, removed afterwards. */
  readonly folder: string;
  /** How many rounds count. */
  readonly rounds: number;
}

/** What one part of a run has found. */
export interface Section {
  /** The name of its files. */
  readonly name: string;
  /** Its heading. */
  readonly title: string;
  /** Its tables, in Markdown. */
  readonly text: string;
  /** A picture, an SVG document. */
  readonly picture?: string;
  /** All that was measured, for later comparison. */
  readonly data: unknown;
}
