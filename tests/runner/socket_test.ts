import assert from "node:assert/strict";
import { join } from "node:path";

import { StartError, UsageError } from "../../runner/errors.ts";
import { checkSocketPath, groupId, listenOn, type RunnerSocket } from "../../runner/socket.ts";

/** Runs a test in a folder of its own. */
async function inFolder(test: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function listen(path: string, options: { mode?: number; gid?: number } = {}): RunnerSocket {
  return listenOn({ path, mode: options.mode ?? 0o666, gid: options.gid ?? null });
}

/** Ends a socket in the order in which the server does. */
function end(socket: RunnerSocket): void {
  socket.remove();
  socket.listener.close();
}

/** Says whether connections to a path come out at a socket. */
async function reaches(path: string, { listener }: RunnerSocket): Promise<boolean> {
  const accepted = listener.accept();
  try {
    const client = await Deno.connect({ transport: "unix", path });
    client.close();
  } catch {
    return false;
  }
  const server = await accepted;
  server.close();
  return true;
}

function namesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

Deno.test("listenOn makes a socket that can be connected to, and nothing beside it", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.sock");
    const socket = listen(path);
    assert.equal(socket.path, path);
    assert.deepEqual(namesIn(folder), ["a.sock"]);
    assert.equal(await reaches(path, socket), true);
    end(socket);
    assert.deepEqual(namesIn(folder), []);
  }));

Deno.test("listenOn gives the socket its mode, whatever the umask", () =>
  inFolder((folder) => {
    for (const mode of [0o666, 0o600, 0o777]) {
      const path = join(folder, `${mode}.sock`);
      const socket = listen(path, { mode });
      assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, mode);
      end(socket);
    }
  }));

Deno.test("listenOn gives the socket its group", () =>
  inFolder((folder) => {
    const path = join(folder, "a.sock");
    // Any user may give a file to a group of its own; only root to any other.
    const gid = Deno.uid() === 0 ? 12_345 : Deno.gid() ?? 0;
    const socket = listen(path, { gid });
    assert.equal(Deno.statSync(path).gid, gid);
    end(socket);
  }));

Deno.test("listenOn replaces the socket that a killed runner has left", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.sock");
    const stale = listen(path);
    stale.listener.close();
    assert.deepEqual(namesIn(folder), ["a.sock"]);
    const socket = listen(path);
    assert.equal(await reaches(path, socket), true);
    end(socket);
  }));

Deno.test("listenOn takes a path over on which an older runner still listens", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.sock");
    const older = listen(path);
    // Connected before: it stays with the older one.
    const client = await Deno.connect({ transport: "unix", path });
    const newer = listen(path);
    assert.equal(await reaches(path, newer), true);
    const kept = await older.listener.accept();
    await client.write(Uint8Array.of(1));
    assert.equal(await kept.read(new Uint8Array(1)), 1);
    client.close();
    kept.close();
    end(older);
    assert.equal(await reaches(path, newer), true);
    end(newer);
  }));

Deno.test("socket.remove leaves a successor's socket alone", () =>
  inFolder((folder) => {
    const path = join(folder, "a.sock");
    const older = listen(path);
    const newer = listen(path);
    older.remove();
    assert.deepEqual(namesIn(folder), ["a.sock"]);
    older.listener.close();
    assert.deepEqual(namesIn(folder), ["a.sock"]);
    newer.remove();
    assert.deepEqual(namesIn(folder), []);
    newer.listener.close();
  }));

Deno.test("socket.isInPlace says whether the path is still ours", () =>
  inFolder((folder) => {
    const path = join(folder, "a.sock");
    const older = listen(path);
    assert.equal(older.isInPlace(), true);
    const newer = listen(path);
    assert.equal(older.isInPlace(), false);
    assert.equal(newer.isInPlace(), true);
    end(newer);
    assert.equal(newer.isInPlace(), false);
    older.listener.close();
  }));

Deno.test("socket.remove leaves what is no socket of ours, and does not mind that it has gone", () =>
  inFolder((folder) => {
    const path = join(folder, "a.sock");
    const socket = listen(path);
    Deno.removeSync(path);
    socket.remove();
    Deno.writeTextFileSync(path, "somebody else's");
    socket.remove();
    assert.equal(Deno.readTextFileSync(path), "somebody else's");
    socket.listener.close();
  }));

Deno.test("listenOn refuses to replace what is not a socket", () =>
  inFolder((folder) => {
    const file = join(folder, "file");
    Deno.writeTextFileSync(file, "precious");
    assert.throws(() => listen(file), (error) => {
      assert(error instanceof StartError);
      assert.match(error.message, /something that is not a socket is there/);
      assert(error.message.includes(file));
      return true;
    });
    assert.equal(Deno.readTextFileSync(file), "precious");
    const directory = join(folder, "directory");
    Deno.mkdirSync(directory);
    assert.throws(() => listen(directory), StartError);
    const link = join(folder, "link");
    Deno.symlinkSync(file, link);
    assert.throws(() => listen(link), StartError);
    assert.deepEqual(namesIn(folder), ["directory", "file", "link"]);
  }));

Deno.test("listenOn names a folder that is missing, and what to do", () =>
  inFolder((folder) => {
    const missing = join(folder, "conf");
    assert.throws(() => listen(join(missing, "a.sock")), (error) => {
      assert(error instanceof StartError);
      assert(error.message.includes(missing));
      assert.match(error.message, /does not exist\. Make it/);
      return true;
    });
  }));

Deno.test("listenOn names a folder that is none", () =>
  inFolder((folder) => {
    const file = join(folder, "file");
    Deno.writeTextFileSync(file, "");
    assert.throws(() => listen(join(file, "a.sock")), StartError);
  }));

Deno.test("listenOn leaves nothing behind when it fails", () =>
  inFolder((folder) => {
    // No file can have this name.
    assert.throws(() => listen(join(folder, "x".repeat(300))), StartError);
    assert.deepEqual(namesIn(folder), []);
  }));

Deno.test("listenOn takes the longest path that there is, however short the name in it", () =>
  inFolder(async (folder) => {
    for (const nameLength of [1, 2, 12, 40]) {
      const room = 107 - folder.length - 2 - nameLength;
      const inner = join(folder, "d".repeat(room));
      Deno.mkdirSync(inner, { recursive: true });
      const path = join(inner, "s".repeat(nameLength));
      assert.equal(path.length, 107);
      const socket = listen(path);
      assert.equal(await reaches(path, socket), true);
      assert.deepEqual(namesIn(inner), ["s".repeat(nameLength)]);
      end(socket);
    }
  }));

Deno.test("checkSocketPath refuses a path of more than 107 bytes", () => {
  checkSocketPath("/".padEnd(107, "x"));
  assert.throws(() => checkSocketPath("/".padEnd(108, "x")), {
    name: "UsageError",
    message: /108 bytes, a unix socket's 107/,
  });
  // It is bytes that count.
  assert.throws(() => checkSocketPath("/".padEnd(60, "ü")), UsageError);
});

Deno.test("groupId knows groups by number and by name", () => {
  assert.equal(groupId("0"), 0);
  assert.equal(groupId("12345"), 12_345);
  const groups = Deno.readTextFileSync("/etc/group");
  const [, name = "", gid] = /^([^:#]+):[^:]*:(\d+):/m.exec(groups) ?? assert.fail("no group");
  assert.equal(groupId(name), Number(gid));
  assert.throws(() => groupId("no such group"), {
    name: "UsageError",
    message: /"no such group": there is no such group/,
  });
});
