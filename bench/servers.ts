/**
 * The servers that are compared: built, started on one core, and stopped.
 *
 * @module
 */

import { fileURLToPath as fromFileUrl } from "node:url";

/** What runs behind a socket. */
export interface Server {
  /** Its name in the report. */
  readonly name: string;
  /** The path of its socket. */
  readonly socket: string;
  /** Its process. */
  readonly pid: number;
  /** Whether it answers PrepareConf; the echo does not. */
  readonly speaks: boolean;
  /** Ends it. */
  stop(): Promise<void>;
}

/** A server that can be built and started. */
interface Recipe {
  readonly name: string;
  readonly speaks: boolean;
  /** Makes the executable; throws when its toolchain is missing. */
  build(folder: string): Promise<string>;
  /** The words of its command line, behind the executable. */
  args(socket: string): string[];
}

const RECIPES: readonly Recipe[] = [
  {
    name: "empty listener",
    speaks: false,
    build: (folder) => compileDeno("empty", folder),
    args: () => [],
  },
  {
    name: "C echo",
    speaks: false,
    build: (folder) => compileC("echo", folder),
    args: (socket) => [socket],
  },
  {
    name: "deno-runner",
    speaks: true,
    build: (folder) => compileDeno("runner", folder),
    args: () => ["run"],
  },
  { name: "Go runner", speaks: true, build: compileGo, args: () => ["production"] },
  { name: "Go runner, as it comes", speaks: true, build: compileGo, args: () => ["default"] },
];

/** The core of the servers; the load has another. */
const SERVER_CORE = "1";

/**
 * Compiles the load generator.
 *
 * @param folder Where the executable goes.
 * @returns Its path.
 */
export function compileLoad(folder: string): Promise<string> {
  return compileC("load", folder);
}

/**
 * Builds and starts servers, as far as this machine has the toolchains for them.
 *
 * @param folder Where executables and sockets go.
 * @param names Which; the same may come several times.
 * @returns The servers, and the names of those that are missing with the reason.
 */
export async function startServers(
  folder: string,
  names: readonly string[],
): Promise<{ servers: Server[]; missing: string[] }> {
  const servers: Server[] = [];
  const missing: string[] = [];
  for (const [i, name] of names.entries()) {
    try {
      servers.push(await startServer(folder, name, `${i}`));
    } catch (error) {
      missing.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return { servers, missing };
}

/**
 * Builds a server, unless it is there already, and starts it.
 *
 * @param folder Where executable and socket go.
 * @param name Which.
 * @param id What tells its socket from others.
 * @returns The server, which can be connected to.
 */
export async function startServer(folder: string, name: string, id: string): Promise<Server> {
  const { executable, args, speaks } = await build(folder, name);
  const socket = `${folder}/${id}.sock`;
  const process = new Deno.Command("taskset", {
    args: ["--cpu-list", SERVER_CORE, executable, ...args(socket)],
    env: { APISIX_LISTEN_ADDRESS: `unix:${socket}`, APISIX_CONF_EXPIRE_TIME: "3600" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await untilListening(socket);
  return {
    name,
    socket,
    pid: process.pid,
    speaks,
    async stop() {
      process.kill("SIGKILL");
      await process.status;
    },
  };
}

/**
 * Builds a server, unless it is there already.
 *
 * @param folder Where the executable goes.
 * @param name Which.
 */
export async function build(
  folder: string,
  name: string,
): Promise<{ executable: string; args: (socket: string) => string[]; speaks: boolean }> {
  const recipe = RECIPES.find((recipe) => recipe.name === name);
  if (recipe === undefined) throw new Error(`There is no server "${name}"`);
  const { args, speaks } = recipe;
  return { executable: await recipe.build(folder), args, speaks };
}

async function untilListening(path: string): Promise<void> {
  for (let attempt = 0; attempt < 10_000; attempt++) {
    try {
      (await Deno.connect({ transport: "unix", path })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  throw new Error("it did not begin to listen within ten seconds");
}

async function compileC(name: string, folder: string): Promise<string> {
  const source = fromFileUrl(new URL(`load/${name}.c`, import.meta.url));
  await run("gcc", ["-O2", "-Wall", "-Wextra", "-o", `${folder}/${name}`, source]);
  return `${folder}/${name}`;
}

async function compileDeno(name: string, folder: string): Promise<string> {
  const main = fromFileUrl(new URL(`${name}/main.ts`, import.meta.url));
  const output = `${folder}/bench-${name}`;
  if (await exists(output)) return output;
  const flags = ["--allow-all", "--exclude-unused-npm"];
  await run(Deno.execPath(), ["compile", ...flags, "--output", output, main]);
  return output;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

async function compileGo(folder: string): Promise<string> {
  const output = `${folder}/go-runner`;
  const cwd = fromFileUrl(new URL("go/", import.meta.url));
  await run("go", ["build", "-o", output, "."], cwd);
  return output;
}

async function run(program: string, args: string[], cwd?: string): Promise<void> {
  const options = { args, ...(cwd === undefined ? {} : { cwd }) };
  const { success, stderr } = await new Deno.Command(program, options).output();
  if (!success) throw new Error(`${program} failed: ${new TextDecoder().decode(stderr).trim()}`);
}
