/**
 * `call`, as one calls it: what people see of a request, a response, and of what goes wrong.
 */

import assert from "node:assert/strict";
import { join } from "node:path";

import { z } from "zod";

import { definePlugin, type Plugin, serve, stop } from "../../../mod.ts";
import { SocketTarget } from "../../../runner/cli/commands/call_target.ts";
import { type HostOptions, runWords } from "./_host.ts";

const plugins: readonly Plugin[] = [
  definePlugin({
    name: "gate",
    config: z.object({ deny: z.array(z.string()) }),
    async onRequest({ config, request, responseHeaders, variable }) {
      const country = await variable("country");
      if (country !== null && config.deny.includes(country)) {
        return Response.json({ error: "forbidden" }, { status: 403 });
      }
      request.headers.set("x-country", country ?? "ZZ");
      request.headers.delete("cookie");
      request.query.delete("debug");
      responseHeaders.append("vary", "x-country");
    },
    async onResponse({ response }) {
      response.headers.delete("x-powered-by");
      response.setBody((await response.text()).replace("Wrold", "World"));
    },
  }),
  definePlugin({
    name: "say",
    config: z.object({ body: z.string() }),
    onRequest: ({ config }) => stop(config.body),
    onResponse: ({ config }) => stop(config.body),
  }),
  definePlugin({
    name: "inspect",
    async onRequest({ request, variable }) {
      return stop(JSON.stringify({
        method: request.method,
        path: request.path,
        headers: [...request.headers],
        body: await request.text(),
        clientIp: request.clientIp,
        user: await variable("consumer_name"),
      }));
    },
  }),
  definePlugin({ name: "nothing", onRequest() {} }),
  definePlugin({
    name: "redact",
    onResponse({ response }) {
      response.status = 201;
      response.headers.delete("x-powered-by");
    },
  }),
  definePlugin({
    name: "broken",
    onRequest: ({ request }) => {
      if (request.path === "/fail") throw new RangeError("too far");
    },
    onResponse: () => Promise.reject(new Error("too late")),
  }),
  definePlugin({
    name: "chatty",
    onRequest({ log, responseHeaders }) {
      log.debug("seen", { user: "ann", n: 7 });
      log.info("all is well");
      responseHeaders.set("server", "me");
    },
  }),
  definePlugin({
    name: "every-third",
    config: () => ({ calls: 0 }),
    onRequest: ({ config }) => config.calls++ % 3 === 0 ? stop("no", { status: 429 }) : undefined,
  }),
];

/** Runs the command; times are N ms. */
async function call(args: readonly string[], options: HostOptions = {}) {
  const { code, stdout, stderr } = await runWords(["call", ...args], { plugins, ...options });
  return { code, stdout: stdout.replace(/\d+(\.\d+)? ms/g, "N ms"), stderr };
}

/** What a call shows that ends well. */
async function shown(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await call(args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, stdout);
  return stdout;
}

/** What the plugin `inspect` saw. */
async function inspected(args: readonly string[], options: HostOptions = {}) {
  const words = ["-p", "inspect", "-o", "json", ...args];
  const { stdout, stderr } = await call(words, options);
  assert.equal(stderr, "");
  return JSON.parse(JSON.parse(stdout).outcomes[0].clientResponse.body);
}

/** The line that a wrong command line ends with. */
async function refusal(args: readonly string[], options: HostOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await call(args, options);
  assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
  return stderr.replace(/^deno-runner: (.*) \(see deno-runner call --help\)\n$/, "$1");
}

Deno.test("call shows what a plugin answers", async () => {
  assert.equal(
    await shown("--plugin", 'gate={"deny":["XX"]}', "--var", "country=XX", "/hello"),
    `gate answers. The upstream gets nothing, the client gets:

  403 Forbidden
  content-type: application/json

  {"error":"forbidden"}

ext-plugin-pre-req: gate, N ms for the first call
`,
  );
});

Deno.test("call shows what the upstream gets, as a diff", async () => {
  assert.equal(
    await shown(
      ...["-p", 'gate={"deny":[]}', "-H", "Cookie: a=1", "-H", "Accept: */*", "-d", "a=1"],
      "http://shop.example/hello?name=Ann&debug=1",
    ),
    `The request goes on, changed. The upstream gets:

- POST /hello?name=Ann&debug=1
+ POST /hello?name=Ann
  host: shop.example
- cookie: a=1
  accept: */*
  content-type: application/x-www-form-urlencoded
  content-length: 3
+ x-country: ZZ

  a=1

The client's response will also have:

+ vary: x-country

ext-plugin-pre-req: gate, N ms for the first call
`,
  );
});

Deno.test("call shows a request that nothing changes", async () => {
  assert.equal(
    await shown("-p", "nothing", "--phase", "post-req"),
    `The request goes on as it is. The upstream gets:

  GET /
  host: localhost

ext-plugin-post-req: nothing, N ms for the first call
`,
  );
});

Deno.test("call shows what the client gets of a response, as a diff", async () => {
  assert.equal(
    await shown(
      ...["-p", 'gate={"deny":[]}', "--status", "404", "--resp-header", "X-Powered-By: Up/1.0"],
      ...["--resp-header", "Content-Type: text/plain", "--resp-body", "Hello,\nWrold!\nbye\n"],
    ),
    `The response is changed. The client gets:

  404 Not Found
- x-powered-by: Up/1.0
  content-type: text/plain
- content-length: 18

  Hello,
- Wrold!
+ World!
  bye

ext-plugin-post-resp: gate, N ms for the first call
`,
  );
});

Deno.test("call shows a response that nothing changes, and one that is replaced", async () => {
  assert.equal(
    await shown("-p", "redact", "--phase", "post-resp", "--status", "201", "--resp-body", "hi"),
    `The response goes on as it is. The client gets:

  201 Created
  content-length: 2

  hi

ext-plugin-post-resp: redact, N ms for the first call
`,
  );
  assert.equal(
    await shown("-p", 'say={"body":"new"}', "--resp-header", "x-a: b", "--resp-body", "old"),
    `say replaces the response. The client gets:

  200 OK
- x-a: b
- content-length: 3
+ content-type: text/plain; charset=utf-8

- old
+ new

ext-plugin-post-resp: say, N ms for the first call
`,
  );
});

Deno.test("call plays the phase that the plugins are made for, unless it is said", async () => {
  assert.match(await shown("-p", "redact"), /^- 200 OK\n\+ 201 Created$/m);
  assert.match(
    await shown("-p", "redact", "--phase", "pre-req"),
    /^ {2}warn {2}The plugin "redact" does nothing here: it has no hook for the request phase$/m,
  );
  assert.match(await shown("-p", "nothing", "-p", "redact"), /^ext-plugin-pre-req/m);
});

Deno.test("call shows why a plugin failed, and where", async () => {
  const { code, stdout, stderr } = await call(["-p", "broken", "/fail"]);
  assert.deepEqual({ code, stderr }, { code: 1, stderr: "" });
  assert.equal(
    stdout.replace(/:\d+:\d+\)/g, ":LINE)"),
    `The call fails. The client gets 503, the upstream nothing:

  onRequest of the plugin "broken" failed: too far
      at Object.onRequest (tests/runner/cli/call_test.ts:LINE)

ext-plugin-pre-req: broken, N ms for the first call
`,
  );
});

Deno.test("call shows what a failure in the response phase means", async () => {
  const { code, stdout } = await call(["-p", "broken", "--status", "200"]);
  assert.equal(code, 1);
  assert.match(stdout, /^The call fails\. The client gets 503 with the upstream's body:\n/);
  assert.match(stdout, /^ {2}onResponse of the plugin "broken" failed: too late$/m);
});

Deno.test("call shows why a configuration is refused, without calling", async () => {
  assert.deepEqual(await call(["-p", 'gate={"deny":"XX"}', "-p", "sai={}", "-p", "say={"]), {
    code: 1,
    stderr: "",
    stdout: `The route is closed: its clients get 503.

problem  --plugin  gate refuses it: deny: Invalid input: expected array, received string
                   → deno-runner schema gate shows what it takes.
problem  --plugin  the plugin "sai" is not known: did you mean say?
                   → Mend the name: requests get 503.
problem  --plugin  the value for say is not valid JSON (at character 2)
                   → Mend it. Names and texts need double quotes: {"body": "hello"}
`,
  });
});

Deno.test("call runs plugins as a chain, and says which one answered", async () => {
  assert.equal(
    await shown("-p", "nothing", "-p", 'say={"body":"hi"}', "-p", "nothing", "/x"),
    `say answers. The upstream gets nothing, the client gets:

  200 OK
  content-type: text/plain; charset=utf-8

  hi

ext-plugin-pre-req: nothing → say → nothing, N ms for the first call
`,
  );
});

Deno.test("call shows what plugins log, and what the runner warns of", async () => {
  assert.equal(
    await shown("-p", "chatty", "-p", "nothing"),
    `The request goes on as it is. The upstream gets:

  GET /
  host: localhost

Log:
  debug  chatty: seen  user=ann n=7
  info   chatty: all is well
  warn   The plugin "chatty" sets response headers that APISIX ignores when the request goes on:
         server. Set them in onResponse, or return a Response

ext-plugin-pre-req: chatty → nothing, N ms for the first call
`,
  );
});

Deno.test("call -n calls many times, and shows what comes of them once for each kind", async () => {
  assert.equal(
    await shown("-p", "every-third", "-n", "100"),
    `34 of 100 calls: every-third answers. The upstream gets nothing, the client gets:

  429 Too Many Requests
  content-type: text/plain; charset=utf-8

  no

66 of 100 calls: the request goes on as it is. The upstream gets:

  GET /
  host: localhost

ext-plugin-pre-req: every-third, 100 calls, min N ms, median N ms, p99 N ms
`,
  );
});

Deno.test("call has colours on a terminal, unless they are not wanted", async () => {
  const args = ["-p", 'gate={"deny":[]}', "/?debug=1"];
  const { stdout } = await call(args, { isTerminal: true });
  assert(stdout.includes("\x1b[31m- GET /?debug=1\x1b[39m\n\x1b[32m+ GET /\x1b[39m\n"));
  const plain = await call(args, { isTerminal: true, env: { NO_COLOR: "1" } });
  assert.equal(plain.stdout, await shown(...args));
});

Deno.test("call shows of long bodies what is of interest, and of others that they are no text", async () => {
  const folder = await Deno.makeTempDir({ prefix: "call-" });
  try {
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);
    lines[50] = "Wrold";
    await Deno.writeTextFile(join(folder, "long"), lines.join("\n"));
    const long = await shown("-p", 'gate={"deny":[]}', "--resp-body", `@${folder}/long`);
    assert.equal(
      long.split("\n\n")[2],
      `  line 0
  line 1
  line 2
  line 3
  … 42 lines …
  line 46
  line 47
  line 48
  line 49
- Wrold
+ World
  line 51
  line 52
  line 53
  line 54
  … 41 lines …
  line 96
  line 97
  line 98
  line 99`,
    );
    await Deno.writeFile(join(folder, "bytes"), Uint8Array.of(0, 255, 16));
    assert.match(
      await shown("-p", "nothing", "-d", `@${folder}/bytes`),
      /^ {2}\(3 bytes, not text: 00 ff 10\)$/m,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("call shows a change wherever it is", async () => {
  const long = "x".repeat(5000);
  const shout = definePlugin({
    name: "shout",
    async onRequest({ request }) {
      request.setBody((await request.bytes()).map((byte) => byte === 0x79 ? 0x7a : byte));
    },
    async onResponse({ response }) {
      response.setBody(`${await response.text()}\n`);
    },
  });
  const shoutAt = async (...args: string[]) =>
    (await call(["-p", "shout", ...args], { plugins: [shout] })).stdout.split("\n\n")[2];

  const before = "x".repeat(40);
  const rest = "x".repeat(2000 - 40 - 1);
  assert.equal(
    await shoutAt("-d", `${long}y${long}`),
    `- … ${before}y${rest} … (10001 characters)\n+ … ${before}z${rest} … (10001 characters)`,
  );
  // Bytes that are not shown, and a newline at the end.
  const hex = Array(16).fill("00").join(" ");
  const line = `(18 bytes, not text: ${hex} …)`;
  assert.equal(await shoutAt("-d", "\0".repeat(17) + "y"), `- ${line}\n+ ${line}`);
  assert.equal(await shoutAt("--resp-body", "hello"), "- hello\n+ hello⏎");
});

Deno.test("call never lets a body move the cursor", async () => {
  assert.match(await shown("-p", "nothing", "-d", "a\x1b[2Jb\x7f"), /^ {2}a\\u001b\[2Jb\\u007f$/m);
});

Deno.test("the request is what the flags say", async () => {
  assert.deepEqual(
    await inspected([
      ...["-X", "PUT", "-H", "X-A: 1", "-H", "x-a:2", "-H", "X-Empty;", "-H", "Host:"],
      ...["--client-ip", "2001:db8::1", "--var", "consumer_name=a=b", "/a%20b#c"],
    ]),
    {
      method: "PUT",
      path: "/a b",
      headers: [["x-a", "1"], ["x-a", "2"], ["x-empty", ""]],
      body: "",
      clientIp: "2001:db8::1",
      user: "a=b",
    },
  );
});

Deno.test("a body comes from the command line, from files and from standard input", async () => {
  const folder = await Deno.makeTempDir({ prefix: "call-" });
  try {
    await Deno.writeTextFile(join(folder, "body"), "from\nfile\n");
    const cases = [
      [["-d", "a=1", "-d", "b=2"], "a=1&b=2", "application/x-www-form-urlencoded"],
      [["-d", `@${folder}/body`], "from\nfile\n", "application/x-www-form-urlencoded"],
      [["-d", "-"], "from stdin", "application/x-www-form-urlencoded"],
      [["--json", "@-"], "from stdin", "application/json"],
      [["--json", '{"a":1}', "-H", "Content-Type: text/x"], '{"a":1}', "text/x"],
    ] as const;
    for (const [args, body, type] of cases) {
      const seen = await inspected(args, { stdin: "from stdin" });
      assert.equal(seen.method, "POST");
      assert.equal(seen.body, body);
      const types = seen.headers.filter(([name]: [string]) => name === "content-type");
      assert.deepEqual(types, [["content-type", type]]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a configuration can be in a file", async () => {
  const folder = await Deno.makeTempDir({ prefix: "call-" });
  try {
    await Deno.writeTextFile(join(folder, "say.json"), '{ "body": "from a file" }\n');
    assert.match(await shown("-p", `say=@${folder}/say.json`), /^ {2}from a file$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("-o json has everything", async () => {
  const { code, stdout } = await runWords(
    ["call", "-p", 'gate={"deny":["XX"]}', "-p", "chatty", "-o", "json", "-n2", "/?debug=1"],
    { plugins },
  );
  assert.equal(code, 0);
  const { ms, ...report } = JSON.parse(stdout);
  assert.deepEqual(Object.keys(ms), ["min", "median", "p99"]);
  assert(ms.min > 0 && ms.min <= ms.median && ms.median <= ms.p99);
  const request = {
    method: "GET",
    target: "/?debug=1",
    headers: [["host", "localhost"]],
    body: "",
    clientIp: "127.0.0.1",
  };
  assert.deepEqual(report, {
    phase: "pre-req",
    plugins: ["gate", "chatty"],
    request,
    outcomes: [{
      count: 2,
      type: "passed",
      upstreamRequest: {
        ...request,
        target: "/",
        headers: [["host", "localhost"], ["x-country", "ZZ"]],
      },
      responseHeaders: [["vary", "x-country"]],
      logs: report.outcomes[0].logs,
    }],
    calls: 2,
  });
  assert.deepEqual(JSON.parse(stdout).outcomes[0].logs[0], {
    level: "debug",
    message: "seen",
    plugin: "chatty",
    phase: "onRequest",
    fields: { user: "ann", n: 7 },
  });
});

Deno.test("-o json has responses, bytes and failures", async () => {
  const replaced = JSON.parse(
    await shown("-p", 'say={"body":"new"}', "-o", "json", "--resp-body", "old"),
  );
  assert.equal(replaced.upstreamResponse.body, "old");
  assert.deepEqual(replaced.outcomes[0].clientResponse.body, "new");
  assert.equal(replaced.outcomes[0].answeredBy, "say");

  const { code, stdout } = await call(["-p", "broken", "-o", "json", "-d", "\x00", "/fail"]);
  assert.equal(code, 1);
  const { request, outcomes: [outcome] } = JSON.parse(stdout);
  assert.equal(request.bodyBase64, "AA==");
  assert.equal(outcome.type, "failed");
  assert.equal(outcome.error, 'onRequest of the plugin "broken" failed: too far');
  assert.match(outcome.stack[0], /^at Object.onRequest \(tests\/runner\/cli\/call_test\.ts:/);

  const refused = await call(["-p", "gate", "-o", "json"]);
  assert.equal(refused.code, 1);
  assert.match(JSON.parse(refused.stdout).findings[0].seen, /^gate refuses it: deny: /);
});

Deno.test("plugins come from files too, and the only one need not be named", async () => {
  const folder = await Deno.makeTempDir({ prefix: "call-" });
  try {
    const file = join(folder, "teapot.ts");
    await Deno.writeTextFile(
      file,
      `import { definePlugin, stop } from "@apisix-deno/plugin-runner";
export default definePlugin({ name: "teapot", onRequest: () => stop("tea", { status: 418 }) });
`,
    );
    for (const args of [[], ["-p", "teapot"]]) {
      assert.match(
        await shown("--plugins", file, ...args),
        /^teapot answers\..*\n\n {2}418 I'm a teapot\n/,
      );
    }
    await Deno.writeTextFile(join(folder, "wrong.ts"), "export default 5;\n");
    const both = await call(["--plugins", folder, "-p", "teapot"]);
    assert.equal(both.code, 0);
    assert.match(both.stderr, /^deno-runner: Cannot load .*wrong\.ts/);
    const unnamed = await call(["--plugins", folder]);
    assert.equal(unnamed.code, 2);
    assert.match(unnamed.stderr, /Which plugin\? Name it with --plugin: teapot/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a plugin is started before it is called, and stopped afterwards", async () => {
  const ran: string[] = [];
  const held = (name: string) =>
    definePlugin({
      name,
      start: () => void ran.push(`start ${name}`),
      stop: () => void ran.push(`stop ${name}`),
      onRequest: () => void ran.push(`call ${name}`),
    });
  // Those that are not called are left alone.
  const options = { plugins: [held("one"), held("two")] };
  assert.equal((await call(["-p", "two", "-n2"], options)).code, 0);
  assert.deepEqual(ran, ["start two", "call two", "call two", "stop two"]);
});

Deno.test("a running runner is called over its socket", async () => {
  const folder = await Deno.makeTempDir({ prefix: "call-" });
  const path = join(folder, "runner.sock");
  const runner = await serve({
    plugins,
    listen: `unix:${path}`,
    logFile: join(folder, "log"),
  });
  try {
    for (const socket of [path, `unix:${path}`]) {
      assert.equal(
        await shown("--socket", socket, "-p", 'say={"body":"hello"}', "-n", "3"),
        `A plugin answers. The upstream gets nothing, the client gets:

  200 OK
  content-type: text/plain; charset=utf-8

  hello

ext-plugin-pre-req: say, 3 calls, min N ms, median N ms, p99 N ms
`,
      );
    }
    const gate = ["--socket", path, "-p", 'gate={"deny":[]}'];
    assert.match(await shown(...gate, "--var", "country=NZ"), /^\+ x-country: NZ$/m);
    assert.match(await shown(...gate, "--resp-body", "Wrold"), /^- Wrold\n\+ World$/m);
    assert.deepEqual(await call(["--socket", path, "-p", "broken", "/fail"]), {
      code: 1,
      stderr: "",
      stdout: `The call fails. The client gets 503, the upstream nothing:

  the runner answered SERVICE_UNAVAILABLE. Its log says why: look for id=0, or for the plugin's name

ext-plugin-pre-req: broken, N ms for the first call
`,
    });
    assert.match(await Deno.readTextFile(join(folder, "log")), /too far .*id=0/);
  } finally {
    await runner.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a runner that does not answer is given up", async () => {
  const folder = await Deno.makeTempDir({ prefix: "call-" });
  const path = join(folder, "runner.sock");
  using listener = Deno.listen({ transport: "unix", path });
  try {
    const target = new SocketTarget(path, 5);
    const route = { plugins: [{ name: "say", value: "{}" }] };
    await assert.rejects(target.run(() => target.apisix.prepare(route, "pre-req")), {
      name: "StartError",
      message:
        `The runner on ${path} has not answered for 0.005 s: APISIX gives up, and answers 503`,
    });
    (await listener.accept()).close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a socket on which nobody listens is one line, and exit code 1", async () => {
  const folder = await Deno.makeTempDir({ prefix: "call-" });
  try {
    const path = join(folder, "runner.sock");
    assert.deepEqual(await call(["--socket", path, "-p", "say"]), {
      code: 1,
      stdout: "",
      stderr: `deno-runner: Cannot connect to ${path}: there is no such socket\n`,
    });
    // A listener that was killed leaves its file behind.
    const listener = Deno.listen({ transport: "unix", path: `${path}.new` });
    await Deno.rename(`${path}.new`, path);
    listener.close();
    const { stderr } = await call(["--socket", path, "-p", "say"]);
    assert.equal(stderr, `deno-runner: Cannot connect to ${path}: nobody listens on it\n`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

for (
  const [args, message] of [
    [[], /^Which plugin\? Name it with --plugin: gate, say, inspect/],
    [["-p", "nothing", "/", "/more"], 'Unexpected argument "/more"'],
    [["-p", "=5"], 'Cannot use --plugin "=5": no name'],
    [["-p", "nothing", "hello"], /^Cannot request "hello": give a path/],
    [["-p", "nothing", "-X", "post"], /^Cannot use --request "post": .*: did you mean POST\?$/],
    [["-p", "nothing", "-H", "x"], "Cannot use --header \"x\": expected 'NAME: VALUE'"],
    [["-p", "nothing", "-H", "a b: c"], 'Cannot use "a b" as a header name'],
    [["-p", "nothing", "--client-ip", "1.2.3"], /^Cannot use "1\.2\.3" as a client's address/],
    [["-p", "nothing", "--var", "x"], 'Cannot use --var "x": expected NAME=VALUE'],
    [["-p", "nothing", "--phase", "pre-rq"], /^Cannot use --phase "pre-rq".*did you mean pre-req/],
    [
      ["-p", "nothing", "--phase", "pre-req", "--status", "404"],
      "--status is for --phase post-resp: in pre-req there is no response yet",
    ],
    [["-p", "nothing", "--status", "99"], 'Cannot use --status "99": expected 200 to 999'],
    [["-p", "nothing", "-n", "0"], 'Cannot use --count "0": expected 1 to 10000000'],
    [["-p", "nothing", "-d", "a", "--json", "b"], /^--data and --json are given/],
    [["-p", "nothing", "-d", "-", "--resp-body", "-"], "Standard input can be read once only"],
    [["-p", "nothing", "-o", "yaml"], /^Cannot use --output "yaml"/],
  ] as const
) {
  Deno.test(`call ${args.join(" ")} is called wrongly`, async () => {
    const line = await refusal(args);
    if (typeof message === "string") assert.equal(line, message);
    else assert.match(line, message);
  });
}

Deno.test("a file that is not there is one line, and exit code 1", async () => {
  assert.deepEqual(await call(["-p", "nothing", "-d", "@/no/such/file"]), {
    code: 1,
    stdout: "",
    stderr: "deno-runner: Cannot read /no/such/file: there is no such file\n",
  });
});
