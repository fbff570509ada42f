/**
 * `check`: plugin files, configurations and routes, and what is wrong with them.
 */

import assert from "node:assert/strict";
import { join } from "node:path";

import { z } from "zod";

import { definePlugin, type Plugin } from "../../../mod.ts";
import { runWords } from "./_host.ts";

const plugins: readonly Plugin[] = [
  definePlugin({
    name: "say",
    config: z.object({ body: z.string().default("") }),
    onRequest() {},
  }),
  definePlugin({
    name: "limit",
    config: z.object({ rate: z.number().positive(), burst: z.number().min(0).optional() }),
    onRequest() {},
  }),
  definePlugin({ name: "redact", onResponse() {} }),
  definePlugin({
    name: "own",
    config(raw: unknown) {
      if (raw === 5) return 5;
      throw new TypeError("five is needed");
    },
    onRequest() {},
  }),
];

/** Checks files in a folder of their own, which is called DIR in what is said. */
async function check(
  files: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const folder = await Deno.makeTempDir({ prefix: "check-" });
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(folder, name), text);
    }
    const words = args.map((arg) => arg.replace("DIR", folder));
    const { code, stdout, stderr } = await runWords(["check", ...words], { plugins });
    return {
      code,
      stdout: stdout.replaceAll(folder, "DIR"),
      stderr: stderr.replaceAll(folder, "DIR"),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The findings in a route, without its file and the summary. */
async function findingsIn(route: unknown): Promise<string[]> {
  const text = typeof route === "string" ? route : JSON.stringify(route);
  const file = typeof route === "string" ? "route.yaml" : "route.json";
  const { stdout } = await check({ [file]: text }, "--route", `DIR/${file}`);
  const [name, ...lines] = stdout.split("\n");
  assert.equal(name, `DIR/${file}`);
  return lines.slice(0, -3);
}

function route(conf: unknown, phase = "ext-plugin-pre-req"): unknown {
  return { uri: "/*", plugins: { [phase]: { conf } } };
}

Deno.test("check shows the plugins of the program, and what they take", async () => {
  assert.deepEqual(await check({}), {
    code: 0,
    stderr: "",
    stdout: `Built in
  say  request
    body  string, default ""
  limit  request
    rate   number > 0, required
    burst  number ≥ 0
  redact  response
    takes any configuration
  own  request
    does not say what it takes: its configuration is a function

no problem found
`,
  });
});

const TEAPOT = `import { definePlugin } from "@apisix-deno/plugin-runner";
export default definePlugin({ name: "teapot", onRequest() {} });
`;

Deno.test("check shows the plugins of files only, when files are named", async () => {
  const files = { "teapot.ts": TEAPOT, "teapot_test.ts": "throw new Error();" };
  for (const args of [["DIR"], ["DIR/teapot.ts"], ["--plugins", "DIR"]]) {
    assert.deepEqual(await check(files, ...args), {
      code: 0,
      stderr: "",
      stdout: `DIR/teapot.ts
  teapot  request
    takes any configuration

no problem found
`,
    });
  }
});

Deno.test("check says where a plugin file is broken", async () => {
  const files = {
    "broken.ts": "export const x = 1;\nexport default 5;\n",
    "twice.ts": TEAPOT.replace("teapot", "say"),
  };
  const { code, stdout } = await check(files, "DIR");
  assert.equal(code, 1);
  assert.match(stdout, /^DIR\/broken\.ts\nproblem {2}line 2\n {9}it cannot be loaded: /);
  assert.match(
    stdout,
    /DIR\/twice\.ts\nproblem {2}line 2\n {9}it cannot be loaded: the name "say"/,
  );
  assert.match(stdout, /\n2 problems\n$/);
});

Deno.test("check takes configurations by plugin", async () => {
  const conf =
    '{\n  "say": {"body": "hello"},\n  "limit": {"rate": 0, "burst": "x"},\n  "own": 6\n}';
  assert.deepEqual(await check({ "conf.json": conf }, "--conf", "DIR/conf.json"), {
    code: 1,
    stderr: "",
    stdout: `DIR/conf.json
ok       say (line 2): say takes it
problem  limit (line 3)
         limit refuses it:
         - rate: Too small: expected number to be >0
         - burst: Invalid input: expected number, received string
         → deno-runner schema limit shows what it takes.
problem  own (line 4)
         own refuses it: five is needed
         → See its documentation for what it takes.

2 problems
`,
  });
});

Deno.test("check takes configurations as a route lists them", async () => {
  const list = [{ name: "say", value: '{"body":5}' }, { name: "redact", value: "" }];
  const reports = await Promise.all(
    [list, { conf: list }].map((conf) =>
      check({ "conf.json": JSON.stringify(conf) }, "-c", "DIR/conf.json")
    ),
  );
  for (const [i, { code, stdout }] of reports.entries()) {
    const at = i === 0 ? "" : "conf";
    assert.equal(code, 1);
    assert.equal(
      stdout,
      `DIR/conf.json
problem  ${at}[0].value (line 1)
         say refuses it: body: Invalid input: expected string, received number
         → deno-runner schema say shows what it takes.
ok       ${at}[1].value (line 1): redact takes it

1 problem
`,
    );
  }
});

Deno.test("check reads configurations from standard input", async () => {
  const { code, stdout } = await runWords(["check", "--conf", "-"], {
    plugins,
    stdin: "say: {body: hello}\n",
  });
  assert.deepEqual({ code, stdout }, {
    code: 0,
    stdout: "Standard input\nok       say (line 1): say takes it\n\nno problem found\n",
  });
});

Deno.test("check refuses a file of configurations that has none", async () => {
  for (const text of ["", "5", "null"]) {
    const { code, stdout } = await check({ "conf.yaml": text }, "-c", "DIR/conf.yaml");
    assert.equal(code, 1);
    assert.match(stdout, /there is neither an object nor a list in it/);
  }
});

Deno.test("check finds nothing wrong with a route that is right", async () => {
  const right = route([{ name: "say", value: '{"body":"hello"}' }, { name: "say", value: "" }]);
  assert.deepEqual(await findingsIn(right), [
    "ok       plugins.ext-plugin-pre-req.conf[0].value (line 1): say takes it",
    "ok       plugins.ext-plugin-pre-req.conf[1].value (line 1): say takes it",
  ]);
});

/** What can be wrong with an entry of `conf`. */
const ENTRIES: Record<string, [entry: unknown, findings: string[]]> = {
  "a plugin that is not known": [{ name: "sya", value: "{}" }, [
    "problem  plugins.ext-plugin-pre-req.conf[0].name (line 1)",
    '         the plugin "sya" is not known: did you mean say?',
    "         → Mend the name: requests get 503.",
  ]],
  "a plugin that is like no other": [{ name: "auth", value: "{}" }, [
    "problem  plugins.ext-plugin-pre-req.conf[0].name (line 1)",
    '         the plugin "auth" is not known',
    "         → Name its file with --plugins, or remove it: requests get 503. Known are: say, limit,",
    "           redact, own",
  ]],
  "a value that is no text": [{ name: "say", value: { body: "hello" } }, [
    "problem  plugins.ext-plugin-pre-req.conf[0].value (line 1)",
    "         the value for say is not a text",
    '         → Write the JSON as text, in quotes: "value": "{\\"…\\": …}"; APISIX refuses anything else.',
  ]],
  "no value": [{ name: "say" }, [
    "problem  plugins.ext-plugin-pre-req.conf[0].value (line 1)",
    "         say has no value",
    '         → APISIX refuses it: add "value", "" for none.',
  ]],
  "a value that is no JSON": [{ name: "say", value: "{body: 5}" }, [
    "problem  plugins.ext-plugin-pre-req.conf[0].value (line 1)",
    "         the value for say is not valid JSON (at character 2)",
    '         → Mend it. Names and texts need double quotes: {"body": "hello"}',
  ]],
  "a value that is refused": [{ name: "say", value: '{"body":5}' }, [
    "problem  plugins.ext-plugin-pre-req.conf[0].value (line 1)",
    "         say refuses it: body: Invalid input: expected string, received number",
    "         → deno-runner schema say shows what it takes.",
  ]],
  "a value that is a reference": [{ name: "say", value: "$secret://vault/1/say" }, [
    "warning  plugins.ext-plugin-pre-req.conf[0].value (line 1)",
    "         the value for say is a reference that APISIX resolves: it is not checked",
  ]],
  "a plugin without the hook": [{ name: "redact", value: "{}" }, [
    "ok       plugins.ext-plugin-pre-req.conf[0].value (line 1): redact takes it",
    "warning  plugins.ext-plugin-pre-req.conf[0] (line 1)",
    "         redact does nothing here: it has no hook for the request phase",
    "         → Use it in ext-plugin-post-resp.",
  ]],
  "no name": [{ value: "{}" }, [
    "problem  plugins.ext-plugin-pre-req.conf[0] (line 1)",
    "         it has no name of 1 to 128 characters",
    "         → APISIX refuses it: name a plugin.",
  ]],
  "something else than an entry": ["say", [
    "problem  plugins.ext-plugin-pre-req.conf[0] (line 1)",
    "         it is not an object",
    '         → Write {"name": "say", "value": "{}"}.',
  ]],
};

for (const [what, [entry, findings]] of Object.entries(ENTRIES)) {
  Deno.test(`check sees in a route ${what}`, async () => {
    assert.deepEqual(await findingsIn(route([entry])), findings);
  });
}

Deno.test("check sees that a plugin has no hook for the response phase", async () => {
  const wrong = route([{ name: "say", value: "" }], "ext-plugin-post-resp");
  assert.deepEqual((await findingsIn(wrong)).slice(1), [
    "warning  plugins.ext-plugin-post-resp.conf[0] (line 1)",
    "         say does nothing here: it has no hook for the response phase",
    "         → Use it in ext-plugin-pre-req or ext-plugin-post-req.",
  ]);
});

/** What can be wrong with an ext-plugin as a whole. */
const ATTRIBUTES: Record<string, [attributes: unknown, findings: string[]]> = {
  "no conf": [{ allow_degradation: true }, [
    "warning  plugins.ext-plugin-post-req (line 1)",
    "         ext-plugin-post-req has no conf: APISIX asks the runner, which has nothing to do",
    "         → Add conf, or remove it: each request costs a call.",
  ]],
  "an empty conf": [{ conf: [] }, [
    "problem  plugins.ext-plugin-post-req.conf (line 1)",
    "         conf is not a list with entries",
    "         → APISIX refuses it: write a list.",
  ]],
  "an attribute that is not known": [{ cnf: 1, conf: [{ name: "say", value: "" }] }, [
    "warning  plugins.ext-plugin-post-req.cnf (line 1)",
    '         APISIX does not know "cnf": did you mean conf?',
    "         → Remove or rename it.",
    "ok       plugins.ext-plugin-post-req.conf[0].value (line 1): say takes it",
  ]],
  "a switch that is none": [{ allow_degradation: "true", conf: [{ name: "say", value: "" }] }, [
    "problem  plugins.ext-plugin-post-req.allow_degradation (line 1)",
    "         allow_degradation is neither true nor false",
    "         → APISIX refuses it: write one of them.",
    "ok       plugins.ext-plugin-post-req.conf[0].value (line 1): say takes it",
  ]],
  "something else than an object": [[], [
    "problem  plugins.ext-plugin-post-req (line 1)",
    "         ext-plugin-post-req is not an object",
    '         → Write {"conf": […]}.',
  ]],
};

for (const [what, [attributes, findings]] of Object.entries(ATTRIBUTES)) {
  Deno.test(`check sees in an ext-plugin ${what}`, async () => {
    assert.deepEqual(
      await findingsIn({ plugins: { "ext-plugin-post-req": attributes } }),
      findings,
    );
  });
}

Deno.test("check sees plugins of APISIX that the response phase switches off", async () => {
  const conf = [{ name: "redact", value: "" }];
  const found = await findingsIn({
    plugins: { "ext-plugin-post-resp": { conf }, "proxy-cache": {} },
  });
  assert.deepEqual(found.slice(0, 3), [
    "warning  plugins.ext-plugin-post-resp (line 1)",
    "         proxy-cache has no effect beside ext-plugin-post-resp, which sends the request itself",
    "         → Do without one of them on this route.",
  ]);
});

const PLUGINS = { "ext-plugin-pre-req": { conf: [{ name: "say", value: "{}" }] } };

/** All the shapes in which ext-plugins come, and where they are then. */
const SHAPES: Record<string, [document: unknown, place: string]> = {
  "a route of the Admin API": [
    { key: "/apisix/routes/1", value: { uri: "/", plugins: PLUGINS } },
    "value.plugins.ext-plugin-pre-req.conf[0].value",
  ],
  "a list of the Admin API": [
    { total: 1, list: [{ value: { plugins: PLUGINS } }] },
    "list[0].value.plugins.ext-plugin-pre-req.conf[0].value",
  ],
  "several routes": [[{ plugins: PLUGINS }], "[0].plugins.ext-plugin-pre-req.conf[0].value"],
  "plugins alone": [PLUGINS, "ext-plugin-pre-req.conf[0].value"],
  "the ingress controller": [
    {
      spec: {
        http: [{
          plugins: [{ name: "ext-plugin-pre-req", config: PLUGINS["ext-plugin-pre-req"] }],
        }],
      },
    },
    "spec.http[0].plugins[0].config.conf[0].value",
  ],
};

for (const [what, [document, place]] of Object.entries(SHAPES)) {
  Deno.test(`check finds the ext-plugins of ${what}`, async () => {
    assert.deepEqual(await findingsIn(document), [`ok       ${place} (line 1): say takes it`]);
  });
}

const YAML = `routes:
  - uri: /
    plugins: &shared
      ext-plugin-pre-req:
        allow_degradation: no
        conf:
          - name: say
            value: '{"body": 5}'
global_rules:
  - id: 1
    plugins: *shared
`;

Deno.test("check reads YAML, with the line of what is wrong", async () => {
  assert.deepEqual(await findingsIn(YAML), [
    "problem  routes[0].plugins.ext-plugin-pre-req.conf[0].value (line 8)",
    "         say refuses it: body: Invalid input: expected string, received number",
    "         → deno-runner schema say shows what it takes.",
    "problem  global_rules[0].plugins.ext-plugin-pre-req.conf[0].value (line 11)",
    "         say refuses it: body: Invalid input: expected string, received number",
    "         → deno-runner schema say shows what it takes.",
  ]);
});

Deno.test("check reads several documents in one file", async () => {
  const one = "plugins: {ext-plugin-pre-req: {conf: [{name: say, value: ''}]}}\n";
  assert.deepEqual(await findingsIn(`${one}---\n${one}`), [
    "ok       plugins.ext-plugin-pre-req.conf[0].value (line 1): say takes it",
    "ok       plugins.ext-plugin-pre-req.conf[0].value (line 3): say takes it",
  ]);
});

Deno.test("check knows that a standalone apisix.yaml must end with #END", async () => {
  const right = YAML.replace("5", '"x"');
  const complete = await check({ "apisix.yaml": `${right}#END\n` }, "-r", "DIR/apisix.yaml");
  assert.equal(complete.code, 0);
  const { code, stdout } = await check({ "apisix.yaml": right }, "-r", "DIR/apisix.yaml");
  assert.equal(code, 1);
  assert.match(
    stdout,
    /problem {2}it does not end with #END: APISIX ignores the whole file\n {9}→ Add a last line: #END/,
  );
});

Deno.test("check warns of a route without any ext-plugin", async () => {
  const { code, stdout } = await check({ "route.json": '{"uri": "/"}' }, "-r", "DIR/route.json");
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `DIR/route.json
warning  there is no ext-plugin-pre-req, ext-plugin-post-req or ext-plugin-post-resp in it
         → Give a route, a service, a global rule, a plugin config or a consumer.

1 warning
`,
  );
});

Deno.test("check says that a file cannot be read, without quoting it", async () => {
  const { code, stdout } = await check({ "r.json": '{"key":\n"secret",}' }, "-r", "DIR/r.json");
  assert.equal(code, 1);
  assert.equal(
    stdout,
    "DIR/r.json\nproblem  line 2\n         it cannot be read: it is not valid JSON\n\n1 problem\n",
  );
  const missing = await check({}, "--route", "DIR/none.yaml");
  assert.deepEqual(missing, {
    code: 1,
    stdout: "",
    stderr: "deno-runner: Cannot read DIR/none.yaml: there is no such file\n",
  });
});

Deno.test("check knows the plugins of files when it looks at routes", async () => {
  const files = {
    "teapot.ts": TEAPOT,
    "route.json": JSON.stringify(route([{ name: "teapot", value: "" }])),
  };
  const { code, stdout } = await check(files, "DIR/teapot.ts", "--route", "DIR/route.json");
  assert.equal(code, 0);
  assert.match(stdout, /conf\[0\]\.value \(line 1\): teapot takes it/);
});

Deno.test("check writes JSON for machines", async () => {
  const files = { "route.json": JSON.stringify(route([{ name: "say", value: '{"body":5}' }])) };
  const { code, stdout } = await check(files, "-r", "DIR/route.json", "-o", "json");
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(stdout), {
    plugins: [],
    problems: 1,
    warnings: 0,
    findings: [{
      level: "problem",
      about: "plugins.ext-plugin-pre-req.conf[0].value (line 1)",
      seen: "say refuses it: body: Invalid input: expected string, received number",
      file: "DIR/route.json",
      line: 1,
      plugin: "say",
      todo: "deno-runner schema say shows what it takes.",
    }],
  });
  const { stdout: all } = await check({}, "-o", "json");
  assert.deepEqual(JSON.parse(all).plugins[2], {
    name: "redact",
    phases: ["response"],
    file: null,
    schema: null,
  });
});
