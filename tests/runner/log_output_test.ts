import assert from "node:assert/strict";

import { PipeOutput } from "../../runner/log_output.ts";

/** A pipe whose reader can stop to read. */
class SlowPipe {
  readonly lines: string[] = [];
  #open = Promise.withResolvers<void>();

  async write(bytes: Uint8Array): Promise<number> {
    await this.#open.promise;
    this.lines.push(new TextDecoder().decode(bytes));
    return bytes.length;
  }

  read(): void {
    this.#open.resolve();
  }
}

Deno.test("PipeOutput writes each line in one go, in order", async () => {
  const pipe = new SlowPipe();
  const output = new PipeOutput(pipe);
  pipe.read();
  for (const line of ["a\n", "b\n", "c\n"]) output.write(line);
  await output.flush(10_000);
  assert.deepEqual(pipe.lines, ["a\n", "b\n", "c\n"]);
});

Deno.test("PipeOutput waits for nobody: what is too much is counted, and said later", async () => {
  const pipe = new SlowPipe();
  const output = new PipeOutput(pipe);
  for (let i = 0; i < 5000; i++) output.write(`${i}\n`);
  await output.flush(1);
  assert.deepEqual(pipe.lines, []);
  pipe.read();
  await output.flush(10_000);
  assert(pipe.lines.length < 1100);
  assert.match(pipe.lines.at(-1) ?? "", /WARN \d{4} lines were dropped/);
});

Deno.test("PipeOutput survives a pipe that is broken", async () => {
  const output = new PipeOutput({ write: () => Promise.reject(new Error("EPIPE")) });
  output.write("a\n");
  await output.flush(10_000);
});
