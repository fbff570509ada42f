/**
 * Lets only requests pass that are signed with a key that the route knows.
 *
 * A client sends `x-key-id`, `x-date` (the seconds since 1970) and `x-signature`: the HMAC-SHA-256,
 * in hexadecimal digits, of four parts with a line feed between them: the method, path and query as
 * they stand in the request line, the date, and the body. With a shell:
 *
 *     date=$(date +%s)
 *     printf 'POST\n/orders?dry=1\n%s\n{"n":1}' "$date" | openssl dgst -sha256 -hmac "$SECRET"
 *
 * Within the time that a signature is good for, a request that someone overheard can be sent again:
 * use TLS, and let the upstream do the same thing only once. The upstream gets the key's id.
 *
 *     "ext-plugin-pre-req": {
 *       "conf": [{
 *         "name": "hmac-signature",
 *         "value": "{\"keys\":{\"shop\":\"6d3c3a1fd4e84f0e9d1f8a52c7b06e95\"},\"windowSeconds\":60}"
 *       }]
 *     }
 *
 * @module
 */

import { definePlugin, stop } from "@apisix-deno/plugin-runner";
import { z } from "zod";

const HMAC = { name: "HMAC", hash: "SHA-256" };
const utf8 = new TextEncoder();

// One answer for all reasons: who guesses learns nothing from it.
const refused = stop({ error: "the signature is missing or not valid" }, { status: 401 });
const tooLarge = stop({ error: "the body is too large to be signed" }, { status: 413 });

async function keyOf([id, secret]: [string, string]): Promise<[string, CryptoKey]> {
  return [id, await crypto.subtle.importKey("raw", utf8.encode(secret), HMAC, false, ["verify"])];
}

export default definePlugin({
  name: "hmac-signature",

  config: z.strictObject({
    /** The secrets by the ids of their keys. */
    keys: z.record(
      z.string().regex(/^[\w.-]{1,64}$/, "1 to 64 letters, digits, or any of _.-"),
      z.string().min(32, "at least 32 characters, for example of: openssl rand -hex 32"),
    ),
    /** How far the client's clock may be from ours, before and behind. */
    windowSeconds: z.number().int().min(1).max(3600).default(300),
    /** The largest body: all of it is held in memory. */
    maxBytes: z.number().int().min(0).max(16_000_000).default(1_048_576),
  }).transform(async ({ keys, ...rest }) => ({
    keys: new Map(await Promise.all(Object.entries(keys).map(keyOf))),
    ...rest,
  })),

  async onRequest({ config, request, variable }) {
    const { headers, method } = request;
    const keyId = headers.get("x-key-id") ?? "";
    const key = config.keys.get(keyId);
    const date = headers.get("x-date") ?? "";
    const signature = headers.get("x-signature") ?? "";
    if (key === undefined || !/^\d{1,12}$/.test(date) || !/^[0-9a-f]{64}$/.test(signature)) {
      return refused;
    }
    if (Math.abs(Date.now() / 1000 - Number(date)) > config.windowSeconds) return refused;
    // Only who has come so far may make us read a body.
    if (Number(headers.get("content-length")) > config.maxBytes) return tooLarge;
    const body = await request.bytes();
    if (body.length > config.maxBytes) return tooLarge;
    // The path as it was sent: two that are written differently may be the same when decoded.
    const target = await variable("real_request_uri");
    if (target === null) throw new Error("APISIX has no variable real_request_uri: update it");
    const head = utf8.encode(`${method}\n${target}\n${date}\n`);
    const signed = new Uint8Array(head.length + body.length);
    signed.set(head);
    signed.set(body, head.length);
    // Takes the same time whichever byte is wrong.
    if (!await crypto.subtle.verify(HMAC, key, Uint8Array.fromHex(signature), signed)) {
      return refused;
    }
    headers.delete("x-signature");
  },
});
