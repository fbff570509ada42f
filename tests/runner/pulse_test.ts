import assert from "node:assert/strict";

import { LoopbackPulse } from "../../runner/pulse.ts";
import { listenOn } from "../../runner/socket.ts";

Deno.test("a pulse goes through the kernel as often as it is asked for, and leaves no file", async () => {
  const folder = await Deno.makeTempDir();
  const socket = listenOn({ path: `${folder}/runner.sock`, mode: 0o600, gid: null });
  let connections = 0;
  const pulse = new LoopbackPulse(() => {
    connections++;
    return socket.loopback();
  });
  for (let i = 0; i < 3; i++) await pulse.beat();
  assert.equal(connections, 1);
  assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["runner.sock"]);
  await pulse.close();
  await assert.rejects(pulse.beat());
  socket.listener.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a pulse is made anew after it failed", async () => {
  let attempts = 0;
  const pulse = new LoopbackPulse(() => Promise.reject(new Error(`attempt ${++attempts}`)));
  await assert.rejects(pulse.beat(), { message: "attempt 1" });
  await assert.rejects(pulse.beat(), { message: "attempt 2" });
});

Deno.test("a pulse that cannot be made rejects, and can be closed", async () => {
  const pulse = new LoopbackPulse(() => Promise.reject(new Error("no folder")));
  await assert.rejects(pulse.beat(), { message: "no folder" });
  await pulse.close();
});
