/**
 * A binary with all recipes inside, also those that need packages from npm.
 *
 *     deno compile --allow-all --output cookbook-runner examples/cookbook/_all.ts
 *
 * @module
 */

import { bundledPlugins, main } from "@apisix-deno/plugin-runner";

import abSplit from "./ab_split.ts";
import authService from "./auth_service.ts";
import canary from "./canary.ts";
import consumerLimit from "./consumer_limit.ts";
import geoGate from "./geo_gate.ts";
import hmacSignature from "./hmac_signature.ts";
import jsonSchema from "./json_schema.ts";
import jwt from "./jwt.ts";
import redact from "./redact.ts";
import requestTiming from "./request_timing.ts";
import setCookie from "./set_cookie.ts";
import zodBody from "./zod_body.ts";

await main({
  name: "cookbook-runner",
  plugins: [
    ...[abSplit, authService, canary, consumerLimit, geoGate, hmacSignature, jsonSchema, jwt],
    ...[redact, requestTiming, setCookie, zodBody, ...bundledPlugins],
  ],
});
