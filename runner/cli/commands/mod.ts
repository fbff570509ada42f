/**
 * The table of all commands, in the order of the help.
 *
 * @module
 */

import type { Command } from "../command.ts";
import { call } from "./call.ts";
import { check } from "./check.ts";
import { completion } from "./completion.ts";
import { doctor } from "./doctor.ts";
import { help } from "./help.ts";
import { list } from "./list.ts";
import { newCommand } from "./new.ts";
import { run } from "./run.ts";
import { schema } from "./schema.ts";

/** All commands; the first one runs when none is named. */
export const COMMANDS: readonly [Command, ...Command[]] = [
  run,
  newCommand,
  call,
  check,
  list,
  schema,
  doctor,
  completion,
  help,
];
