/**
 * Lets only requests with a valid JSON Web Token pass.
 *
 * The token comes as `authorization: Bearer …`. It is verified with a shared `secret` (HS256), or
 * with the public keys of an issuer (`jwks`, the URL of a JSON Web Key Set, which is fetched when
 * needed and kept). Which algorithms count is said here and never by the token; issuer, audience
 * and an expiry are required. The upstream gets the subject in `x-user`.
 *
 * It needs the npm package jose: build a binary of your own, or bundle it into the file.
 *
 *     "ext-plugin-pre-req": {
 *       "conf": [{
 *         "name": "jwt",
 *         "value": "{\"jwks\":\"https://id.example/keys\",\"issuer\":\"https://id.example\",\"audience\":\"shop\"}"
 *       }]
 *     }
 *
 * @module
 */

import { definePlugin, stop } from "@apisix-deno/plugin-runner";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import { z } from "zod";

const unauthorized = (error: string, challenge: string) =>
  stop({ error }, { status: 401, headers: { "www-authenticate": challenge } });
const missing = unauthorized("a token is needed", 'Bearer realm="api"');
const refused = unauthorized("not a valid token", 'Bearer realm="api", error="invalid_token"');

/** What is the token's fault. For all else, keys that cannot be fetched for example, it is 503. */
const TOKEN_FAULTS = new Set([
  "ERR_JOSE_ALG_NOT_ALLOWED",
  "ERR_JOSE_NOT_SUPPORTED",
  "ERR_JWKS_MULTIPLE_MATCHING_KEYS",
  "ERR_JWKS_NO_MATCHING_KEY",
  "ERR_JWS_INVALID",
  "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
  "ERR_JWT_CLAIM_VALIDATION_FAILED",
  "ERR_JWT_EXPIRED",
  "ERR_JWT_INVALID",
]);

export default definePlugin({
  name: "jwt",
  timeout: 6_000, // a moment more than the 5 s that jose gives to the fetching of keys

  config: z.strictObject({
    secret: z.string().refine((secret) => new TextEncoder().encode(secret).length >= 32, {
      message: "HS256 needs at least 32 bytes, for example of: openssl rand -hex 32",
    }).optional(),
    jwks: z.string()
      .regex(/^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)[:/])/, "an https URL is needed")
      .transform((url) => new URL(url)).optional(),
    issuer: z.string().min(1),
    audience: z.string().min(1),
  }).refine(({ secret, jwks }) => (secret === undefined) !== (jwks === undefined), {
    message: "give either secret or jwks",
  }).transform(({ secret, jwks, issuer, audience }) => {
    // A public key must never verify HS256, where it would be the secret: so one or the other.
    const algorithms = jwks === undefined ? ["HS256"] : ["RS256", "PS256", "ES256", "EdDSA"];
    const key = new TextEncoder().encode(secret);
    const keys = jwks === undefined ? () => key : createRemoteJWKSet(jwks);
    const options = { algorithms, issuer, audience, requiredClaims: ["exp"], clockTolerance: 5 };
    return { verify: (token: string) => jwtVerify(token, keys, options) };
  }),

  async onRequest({ config, request }) {
    const authorization = request.headers.get("authorization");
    if (authorization === null) return missing;
    const token = /^Bearer +([\w.-]+)$/i.exec(authorization)?.[1];
    if (token === undefined) return refused;
    try {
      const { payload: { sub = "" } } = await config.verify(token);
      // What is not fit for a header is not to be passed on in one.
      if (!/^[\x21-\x7e]+$/.test(sub)) return refused;
      request.headers.set("x-user", sub);
    } catch (error) {
      if (error instanceof errors.JOSEError && TOKEN_FAULTS.has(error.code)) return refused;
      throw error;
    }
  },
});
