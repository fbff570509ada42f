/**
 * The files that a new plugin begins with.
 *
 * @module
 */

/** A file to be made. */
export interface NewFile {
  /** Its name, without a folder. */
  readonly name: string;
  /** What it is, for the one who made it. */
  readonly about: string;
  /** What is in it. */
  readonly text: string;
}

/** The files of a plugin. */
export interface NewPlugin {
  /** The plugin itself. */
  readonly plugin: NewFile;
  /** Its test. */
  readonly test: NewFile;
  /** How to try, test and use it. */
  readonly readme: NewFile;
}

/**
 * Whether a plugin can have a name. APISIX takes any of 1 to 128 characters; these are also names
 * of files, and easy to type.
 *
 * @param name The name.
 */
export function isPluginName(name: string): boolean {
  return name.length <= 128 && /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name);
}

/**
 * A name that a plugin can have, made of one that it cannot.
 *
 * @param name For example `GeoGate` or `geo_gate`.
 * @returns For example `geo-gate`; `null` when nothing can be made of it.
 */
export function nearestPluginName(name: string): string | null {
  const made = name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase()
    .replace(/[^a-z0-9]+/g, "-").replace(/^[-0-9]+|-+$/g, "").slice(0, 128);
  return isPluginName(made) ? made : null;
}

/**
 * Makes the files of a new plugin.
 *
 * @param name Its name.
 * @param program What the binary is called.
 * @returns The files, which pass their test as they are.
 */
export function newPlugin(name: string, program: string): NewPlugin {
  const base = name.replaceAll("-", "_");
  return {
    plugin: { name: `${base}.ts`, about: "the plugin", text: pluginText(name) },
    test: { name: `${base}_test.ts`, about: "its test", text: testText(name, base) },
    readme: {
      name: "README.md",
      about: "how to try, test and use it",
      text: readmeText(name, base, program),
    },
  };
}

function pluginText(name: string): string {
  return `import { definePlugin } from "@apisix-deno/plugin-runner";

/** What a route says in the plugin's value. */
export interface Config {
  /** What the upstream gets in the header x-greeting. */
  readonly greeting: string;
}

export default definePlugin({
  name: "${name}",

  // Once for each route, with the parsed JSON. Throwing closes the route.
  config(raw: unknown): Config {
    if (typeof raw !== "object" || raw === null || !("greeting" in raw)) {
      return { greeting: "hello" };
    }
    if (typeof raw.greeting !== "string") {
      throw new TypeError("greeting: a text is needed");
    }
    return { greeting: raw.greeting };
  },

  // ext-plugin-pre-req and -post-req: what is changed goes to the upstream.
  onRequest({ config, request }) {
    if (request.path === "/teapot") {
      // The client gets this, the upstream nothing.
      return Response.json({ error: "I'm a teapot" }, { status: 418 });
    }
    request.headers.set("x-greeting", config.greeting);
  },

  // ext-plugin-post-resp: what is changed goes to the client.
  onResponse({ response }) {
    response.headers.set("x-handled-by", "${name}");
  },
});
`;
}

function testText(name: string, base: string): string {
  return `import assert from "node:assert/strict";

import { testPlugin } from "@apisix-deno/plugin-runner/testing";

import plugin from "./${base}.ts";

const route = testPlugin(plugin, { config: { greeting: "hi" } });

Deno.test("the upstream is greeted", async () => {
  const { upstream } = await route.request("/hello?x=1", { method: "POST" });
  assert.equal(upstream.headers.get("x-greeting"), "hi");
  assert.equal(upstream.target, "/hello?x=1");
});

Deno.test("the teapot is answered at once", async () => {
  const outcome = await route.request("/teapot");
  assert(outcome.stopped);
  assert.equal(outcome.status, 418);
  assert.deepEqual(outcome.json(), { error: "I'm a teapot" });
});

Deno.test("a response is marked, and left alone otherwise", async () => {
  const response = await route.response({
    headers: { "content-type": "text/plain" },
    body: "from the upstream",
  });
  assert.equal(response.headers.get("x-handled-by"), "${name}");
  assert.equal(response.headers.get("content-type"), "text/plain");
  assert.equal(response.text(), "from the upstream");
});

Deno.test("a greeting that is no text is refused", async () => {
  const wrong = testPlugin(plugin, { config: { greeting: 5 } });
  await assert.rejects(wrong.request("/"), /greeting: a text is needed/);
});
`;
}

function readmeText(name: string, base: string, program: string): string {
  const conf = JSON.stringify({ greeting: "hi" });
  return `# ${name}

A plugin for Apache APISIX. Say here what it is for.

| Configuration | What it says                           | When it is left out |
| ------------- | -------------------------------------- | ------------------- |
| \`greeting\`    | what the upstream gets in \`x-greeting\` | \`hello\`             |

## Try it

With \`${program}\` alone, without APISIX and without Deno:

    ${program} check ${base}.ts
    ${program} call --plugins ${base}.ts --plugin '${name}=${conf}' /hello

## Test it

With [Deno](https://deno.com) and a checkout of apisix-deno-plugin-runner, whose \`deno.json\` says
where \`@apisix-deno/plugin-runner\` is:

    deno test --config /path/to/apisix-deno-plugin-runner/deno.json ${base}_test.ts

In a project that maps \`@apisix-deno/plugin-runner\` in its own \`deno.json\`, \`deno test\` is enough.

## Use it

Let APISIX start the runner with it, in \`conf/config.yaml\`:

    ext-plugin:
      cmd: ["/usr/local/bin/${program}", "run", "--plugins", "/path/to/${base}.ts"]

and name it in a route:

    "plugins": {
      "ext-plugin-pre-req": {
        "conf": [{ "name": "${name}", "value": ${JSON.stringify(conf)} }]
      }
    }

\`${program} check ${base}.ts --route route.json\` tells what is wrong with a route.
`;
}
