import assert from "node:assert/strict";
import { join } from "node:path";

import { inspectExecutable } from "../../../../runner/cli/doctor/executable.ts";

/** A 64-bit ELF program with one program header, which names its loader. */
function elf({ machine = 0x3e, loader = "/bin/sh" } = {}): Uint8Array {
  const bytes = new Uint8Array(64 + 56 + 64);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(18, machine, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 3, true);
  view.setBigUint64(64 + 8, 120n, true);
  view.setBigUint64(64 + 32, BigInt(loader.length + 1), true);
  bytes.set(new TextEncoder().encode(loader), 120);
  return bytes;
}

/** What is seen of a file with a content, in a folder called DIR. */
async function seenOf(content: string | Uint8Array | null, mode = 0o755): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "x");
    if (content !== null) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(path, bytes);
      await Deno.chmod(path, mode);
    }
    return inspectExecutable(path, "x86_64").map(({ level, seen }) =>
      `${level}: ${seen.replaceAll(folder, "DIR")}`
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("inspectExecutable finds nothing wrong with what can be executed", async () => {
  assert.deepEqual(await seenOf(elf()), []);
  assert.deepEqual(await seenOf("#!/bin/sh\nexec /usr/bin/deno-runner run\n"), []);
  assert.deepEqual(inspectExecutable(Deno.execPath()), []);
});

Deno.test("inspectExecutable sees a program for another architecture or system", async () => {
  const cases: [Uint8Array, string][] = [
    [elf({ machine: 0xb7 }), "DIR/x is built for aarch64, this machine is x86_64"],
    [elf({ machine: 0x1234 }), "DIR/x is built for machine 4660, this machine is x86_64"],
    [Uint8Array.from([0xcf, 0xfa, 0xed, 0xfe, 0]), "DIR/x is built for macOS, this machine has"],
    [Uint8Array.from([0x4d, 0x5a, 0, 0]), "DIR/x is built for Windows, this machine has"],
  ];
  for (const [content, seen] of cases) {
    const [first = ""] = await seenOf(content);
    assert(first.startsWith(`problem: ${seen}`), first);
  }
});

Deno.test("inspectExecutable sees a loader that is missing", async () => {
  assert.deepEqual(await seenOf(elf({ loader: "/lib/no-such-loader.so.2" })), [
    "problem: DIR/x needs the loader /lib/no-such-loader.so.2, which this machine does not have",
  ]);
});

Deno.test("inspectExecutable sees what is no executable", async () => {
  assert.deepEqual(await seenOf(null), ["problem: DIR/x does not exist"]);
  assert.deepEqual(await seenOf(""), ["problem: DIR/x is empty"]);
  assert.deepEqual(await seenOf(elf().subarray(0, 20)), ["problem: DIR/x is cut off"]);
  assert.deepEqual(await seenOf("hello"), [
    "problem: DIR/x is neither a program nor a script that begins with #!",
  ]);
  assert.deepEqual(await seenOf(elf(), 0o644), [
    "problem: DIR/x is not executable: its mode is 0644",
  ]);
  assert.deepEqual(inspectExecutable("/").map(({ seen }) => seen), ["/ is not a file"]);
});

Deno.test("inspectExecutable sees scripts that cannot work, or that hide the runner", async () => {
  assert.deepEqual(await seenOf("#!/no/such/sh\nexec true\n"), [
    "problem: DIR/x is a script for /no/such/sh, which does not exist",
  ]);
  assert.deepEqual(await seenOf("#!/bin/sh\r\nexec true\r\n"), [
    'problem: DIR/x is a script with the line ends of Windows: the system looks for "/bin/sh\\r"',
  ]);
  const [first = ""] = await seenOf("#!/bin/sh\n/usr/bin/deno-runner run\n");
  assert.match(first, /^warning: DIR\/x is a script without exec/);
});
