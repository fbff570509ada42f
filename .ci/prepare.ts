/**
 * Prepares a checkout for a network on which JSR or the compile runtime cannot be reached. `denow`
 * runs this once per checkout and then only reads the result, one line in `.deno/prepared`: a key
 * that denow gave, and words that say what it has to do from then on.
 *
 *     ca-store    Deno does not trust the network's certificates unless the system's are used
 *     stand-ins   JSR is out of reach; vendor/ holds stand-ins for the packages from there
 *     denort      the compile runtime is out of reach; .deno/denort is the same file, from npm
 *     no-denort   the compile runtime is out of reach, and npm's could not be had either
 *
 * On an open network there are no words, and nothing but that line is written. Every file gets its
 * name only when it is whole, and the line comes last: an interrupted run is begun anew.
 *
 *     deno run --allow-all --no-config --no-lock prepare.ts TEMPORARY_FOLDER KEY
 */

import { createHash } from "node:crypto";
import { join } from "node:path";

const ROOT = join(import.meta.dirname ?? ".", "..");
const HOME = join(ROOT, ".deno");

/** How long Deno may take to find out whether it can get something. */
const PATIENCE_MS = { npm: 30_000, jsr: 60_000, denort: 180_000 };

/** An npm package that carries the compile runtime of the pinned Deno: see denort.ts. */
const CARRIER = { npm: "@chelonia/cli-x64-linux@3.4.0", file: "package/chel" };
const CARRIER_TARGET = "x86_64-unknown-linux-gnu";

/** What there are stand-ins for: the exports of each package, and the files behind them. */
const STAND_INS: Record<string, Record<string, string>> = {
  cli: { "./parse-args": "./parse_args.ts" },
  log: {
    "./base-handler": "./base_handler.ts",
    "./levels": "./levels.ts",
    "./logger": "./logger.ts",
  },
};

/** Marks a package folder in vendor/ as ours; Deno does not look at it. */
const MARK = "STAND-IN.txt";
const MARK_TEXT =
  "Not the real package: a stand-in, put here by denow because JSR was out of reach.\n";

const [temporary = "", key = ""] = Deno.args;
if (temporary === "" || key === "") throw new Error("this is for denow to call");

function say(text: string): void {
  console.error(`denow: ${text}`);
}

/** The versions that deno.lock holds. */
function lockedVersions(): Map<string, string> {
  const lock = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.lock")));
  const versions = new Map<string, string>();
  for (const [specifier, version] of Object.entries(lock.specifiers)) {
    const name = /^jsr:@std\/([^@]+)@/.exec(specifier)?.[1];
    if (name !== undefined) versions.set(name, String(version));
  }
  return versions;
}

/** What the environment must not decide: denow sets these two, unless the user does. */
const environment = Deno.env.toObject();
delete environment["DENORT_BIN"];
delete environment["DENO_TLS_CA_STORE"];
environment["NO_COLOR"] = "1";

interface Outcome {
  success: boolean;
  stderr: string;
}

/** Runs something quietly in the temporary folder, for a limited time. */
async function run(command: string, args: string[], limit?: number): Promise<Outcome> {
  const signal = limit === undefined ? undefined : AbortSignal.timeout(limit);
  try {
    const { success, stderr } = await new Deno.Command(command, {
      args,
      cwd: temporary,
      env: environment,
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      ...(signal === undefined ? {} : { signal }),
    }).output();
    return { success, stderr: new TextDecoder().decode(stderr) };
  } catch (error) {
    return { success: false, stderr: String(error) };
  }
}

const words: string[] = [];

/** Asks Deno itself; a refused certificate makes it ask again with the system's authorities. */
async function canGet(args: string[], limit: number): Promise<boolean> {
  const first = await run(Deno.execPath(), args, limit);
  if (first.success) return true;
  if (words.includes("ca-store") || !/certificate/i.test(first.stderr)) return false;
  environment["DENO_TLS_CA_STORE"] = "system,mozilla";
  const second = await run(Deno.execPath(), args, limit);
  if (second.success || !/certificate/i.test(second.stderr)) {
    words.push("ca-store");
    say("certificates here need the system's authorities: DENO_TLS_CA_STORE=system,mozilla");
  } else {
    delete environment["DENO_TLS_CA_STORE"];
  }
  return second.success;
}

/** Writes a file under another name first, so that nobody ever sees half of it. */
function writeWhole(path: string, content: string | Uint8Array): void {
  const unfinished = `${path}.${Deno.pid}`;
  if (typeof content === "string") Deno.writeTextFileSync(unfinished, content);
  else Deno.writeFileSync(unfinished, content);
  Deno.renameSync(unfinished, path);
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function vendored(name: string): string {
  return join(ROOT, "vendor", "jsr.io", "@std", name);
}

/** Puts one package where Deno looks first; meta.json, where it begins to look, comes last. */
function putStandIn(name: string, version: string): void {
  const folder = vendored(name);
  const exports = STAND_INS[name] ?? {};
  Deno.mkdirSync(join(folder, version), { recursive: true });
  writeWhole(join(folder, MARK), MARK_TEXT);
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const file of new Set(Object.values(exports))) {
    const content = Deno.readFileSync(join(ROOT, ".ci", "stand_ins", name, file));
    const sha256 = createHash("sha256").update(content).digest("hex");
    manifest[file.slice(1)] = { size: content.length, checksum: `sha256-${sha256}` };
    writeWhole(join(folder, version, file), content);
  }
  writeWhole(join(folder, `${version}_meta.json`), JSON.stringify({ manifest, exports }));
  const meta = { scope: "std", name, latest: version, versions: { [version]: {} } };
  writeWhole(join(folder, "meta.json"), JSON.stringify(meta));
}

async function prepareJsr(): Promise<void> {
  const versions = lockedVersions();
  const packages = Object.keys(STAND_INS).map((name) => {
    const version = versions.get(name);
    if (version === undefined) throw new Error(`deno.lock has no version of @std/${name}`);
    return { name, version, isOurs: exists(join(vendored(name), MARK)) };
  });
  const specifiers = packages.flatMap(({ name, version }) =>
    Object.keys(STAND_INS[name] ?? {}).map((path) => `jsr:@std/${name}@${version}${path.slice(1)}`)
  );
  const cache = ["cache", "--no-config", "--no-lock", ...specifiers];
  if (await canGet(cache, PATIENCE_MS.jsr)) {
    // Stand-ins from an earlier time would still be found before the real packages.
    for (const { name, isOurs } of packages) {
      if (isOurs) Deno.removeSync(vendored(name), { recursive: true });
    }
    return;
  }
  const put = packages.filter(({ name, isOurs }) =>
    isOurs || !exists(join(vendored(name), "meta.json"))
  );
  for (const { name, version } of put) putStandIn(name, version);
  if (put.length === 0) {
    say("JSR cannot be reached: using what vendor/ holds from a time when it could");
    return;
  }
  words.push("stand-ins");
  say("JSR cannot be reached: vendor/ now holds STAND-INS of our own for @std/cli and @std/log");
}

/** Restores the compile runtime from npm's package; undefined when that went well. */
async function denortFromNpm(): Promise<string | undefined> {
  if (Deno.build.target !== CARRIER_TARGET) return `npm has no runtime for ${Deno.build.target}`;
  say(`the compile runtime cannot be reached: taking the same file out of npm's ${CARRIER.npm}`);
  const deno = ["run", "--no-config", "--no-lock", "--allow-read", "--allow-write"];
  const steps: Array<[string, string[]]> = [
    ["npm", ["pack", CARRIER.npm]],
    ["sh", ["-c", `tar -xzf ./*.tgz ${CARRIER.file}`]],
    [Deno.execPath(), [...deno, join(ROOT, ".ci", "denort.ts"), CARRIER.file, "denort"]],
  ];
  for (const [command, args] of steps) {
    const { success, stderr } = await run(command, args);
    if (!success) return `${command} ${args[0]} failed: ${stderr.trim()}`;
  }
  Deno.renameSync(join(temporary, "denort"), join(HOME, "denort"));
  return undefined;
}

async function prepareDenort(): Promise<void> {
  Deno.writeTextFileSync(join(temporary, "empty.ts"), "export {};\n");
  const compile = ["compile", "--no-config", "--no-lock", "--output", "empty", "empty.ts"];
  if (await canGet(compile, PATIENCE_MS.denort)) return;
  const problem = await denortFromNpm();
  if (problem === undefined) words.push("denort");
  else {
    words.push("no-denort");
    say(`deno compile will not work here: ${problem}`);
  }
}

say("first run in this checkout: finding out what can be reached from here");

// A cache of its own, or Deno would have no reason to ask.
environment["DENO_DIR"] = join(temporary, "deno_dir");
await canGet(["cache", "--no-config", "--no-lock", "npm:flatbuffers"], PATIENCE_MS.npm);
const ownCache = Deno.env.get("DENO_DIR");
if (ownCache === undefined) delete environment["DENO_DIR"];
else environment["DENO_DIR"] = ownCache;

await prepareJsr();
await prepareDenort();
writeWhole(join(HOME, "prepared"), [key, ...words].join(" ") + "\n");
