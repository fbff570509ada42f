/**
 * The flags of `call` that say what is called.
 *
 * @module
 */

import { METHODS } from "../../../protocol/messages.ts";
import type { Phase } from "../../apisix/client.ts";
import type { Option } from "../command.ts";

/** All phases, as `--phase` names them. */
export const PHASES: readonly Phase[] = ["pre-req", "post-req", "post-resp"];

/** The flags that say what is called. */
export const INPUT_OPTIONS = {
  plugin: {
    flag: "plugin",
    short: "p",
    value: "NAME[=JSON]",
    repeatable: true,
    about: "a plugin with its configuration, JSON or @FILE; several make a chain",
  },
  method: {
    flag: "request",
    short: "X",
    value: "METHOD",
    values: METHODS,
    about: "the method (GET, or POST with a body)",
  },
  header: {
    flag: "header",
    short: "H",
    value: "'NAME: VALUE'",
    repeatable: true,
    about: "a header; 'NAME:' leaves out one that is sent by itself",
  },
  data: {
    flag: "data",
    short: "d",
    value: "TEXT|@FILE|-",
    repeatable: true,
    about: "the body, typed as a form; several are joined with &; - is standard input",
  },
  json: { flag: "json", value: "TEXT|@FILE|-", about: "the body, typed as JSON" },
  clientIp: {
    flag: "client-ip",
    value: "ADDRESS",
    about: "the client's address: IPv4, IPv6 or unix: (127.0.0.1)",
  },
  variable: {
    flag: "var",
    value: "NAME=VALUE",
    repeatable: true,
    about: "an nginx variable, for example consumer_name=ann",
  },
  phase: {
    flag: "phase",
    value: "PHASE",
    values: PHASES,
    about: "pre-req, post-req or post-resp (whichever the plugins have a hook for)",
  },
  status: {
    flag: "status",
    value: "STATUS",
    about: "the status that the upstream answers with (200)",
  },
  responseHeader: {
    flag: "resp-header",
    value: "'NAME: VALUE'",
    repeatable: true,
    about: "a header of the upstream's response",
  },
  responseBody: {
    flag: "resp-body",
    value: "TEXT|@FILE|-",
    about: "the body of the upstream's response",
  },
  count: { flag: "count", short: "n", value: "TIMES", about: "how often to call (1)" },
} as const satisfies Record<string, Option>;
