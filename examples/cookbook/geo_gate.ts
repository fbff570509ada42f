/**
 * Lets requests pass, or refuses them, by the country of the client.
 *
 * nginx knows the country: its GeoIP2 module fills a variable from the client's address. Name the
 * countries to `allow`, or those to `deny`. A client whose country is not known is refused unless
 * `unknown` says "allow". The upstream gets the country in `x-country`; what the client says there
 * is replaced.
 *
 *     "ext-plugin-pre-req": {
 *       "conf": [{ "name": "geo-gate", "value": "{\"deny\":[\"KP\"],\"unknown\":\"allow\"}" }]
 *     }
 *
 * @module
 */

import { definePlugin, stop } from "@apisix-deno/plugin-runner";
import { z } from "zod";

const countries = z.array(z.string().regex(/^[A-Z]{2}$/, "two capital letters, as in NZ"));

const refused = stop({ error: "not available in your country" }, { status: 403 });

export default definePlugin({
  name: "geo-gate",

  config: z.strictObject({
    /** The only countries that may pass. */
    allow: countries.min(1, "name at least one country").optional(),
    /** The countries that may not. */
    deny: countries.min(1, "name at least one country").optional(),
    /** What happens to those whose country is not known. */
    unknown: z.enum(["allow", "deny"]).default("deny"),
    /** The variable that nginx' GeoIP2 module fills. */
    variable: z.string().min(1).default("geoip2_data_country_code"),
  }).refine(({ allow, deny }) => (allow === undefined) !== (deny === undefined), {
    message: "give either allow or deny",
  }).transform(({ allow, deny, unknown, variable }) => ({
    listed: new Set(allow ?? deny),
    listedMayPass: allow !== undefined,
    unknownMayPass: unknown === "allow",
    variable,
  })),

  async onRequest({ config, request, variable }) {
    const country = (await variable(config.variable) ?? "").toUpperCase();
    // Without the module, or for an address of a private network, the variable is missing or empty.
    const isKnown = /^[A-Z]{2}$/.test(country);
    const mayPass = isKnown
      ? config.listed.has(country) === config.listedMayPass
      : config.unknownMayPass;
    if (!mayPass) return refused;
    // ZZ is what no country has.
    request.headers.set("x-country", isKnown ? country : "ZZ");
  },
});
