/**
 * What a plugin can import.
 *
 * @module
 */

export type { Body, BodyContent, JsonValue } from "./body.ts";
export type { ConfigParser, SchemaIssue, SchemaResult, StandardSchema } from "./config.ts";
export type {
  CallContext,
  ClientRequest,
  Log,
  LogFields,
  RequestContext,
  ResponseContext,
  UpstreamResponse,
  Variables,
} from "./context.ts";
export type { EditableHeaders } from "./headers.ts";
export { definePlugin } from "./plugin.ts";
export type { HookResult, Plugin, PluginDefinition } from "./plugin.ts";
export type { Query } from "./query.ts";
export { stop } from "./stop.ts";
export type { StopInit, StopReply } from "./stop.ts";
