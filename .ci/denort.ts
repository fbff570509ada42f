/**
 * Gets the stock compile runtime (denort) back out of an executable that `deno compile` made of it.
 * Only where the official download cannot be reached: see prepare.ts. The result is checked against
 * the official one's SHA-256, so nothing else than that very file can come out.
 *
 * Such an executable is the runtime's ELF file with a payload behind it. To hook the payload in,
 * the writer moved both header tables to the end of the file and appended to each: a PT_LOAD and a
 * PT_NOTE, and two section headers. The original tables still stand where they stood.
 *
 *     deno run --allow-read --allow-write denort.ts EXECUTABLE DENORT
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** The official runtime of Deno 2.9.4 for x86_64-unknown-linux-gnu. */
const SIZE = 107594120;
const SHA256 = "723d45cca4f68bd66652da1e0d45562b0700317c1535981035f50f078785a131";

/** Where the original program headers start: right behind the ELF header. */
const PROGRAM_HEADERS = 0x40;
const SECTION_HEADER_BYTES = 64;

/** How many headers the writer appended to each of the two tables. */
const ADDED = 2;

/** The runtime inside of an executable made by `deno compile`; throws unless it is the stock one. */
export function stockRuntime(executable: Uint8Array): Uint8Array {
  const header = new DataView(executable.buffer, executable.byteOffset, 64);
  if (header.getUint32(0) !== 0x7f454c46) throw new Error("not an ELF file");
  const sections = header.getUint16(0x3c, true) - ADDED;
  const moved = Number(header.getBigUint64(0x28, true));

  // Everything up to the last section header of the original (.shstrtab) was left as it was.
  const sameBytes = executable.subarray(moved, moved + (sections - 1) * SECTION_HEADER_BYTES);
  const original = indexOf(executable.subarray(0, moved), sameBytes);
  if (original < 0) throw new Error("the original section headers are not there");

  const runtime = executable.slice(0, original + sections * SECTION_HEADER_BYTES);
  const restored = new DataView(runtime.buffer);
  restored.setBigUint64(0x20, BigInt(PROGRAM_HEADERS), true);
  restored.setUint16(0x38, restored.getUint16(0x38, true) - ADDED, true);
  restored.setBigUint64(0x28, BigInt(original), true);
  restored.setUint16(0x3c, sections, true);

  if (runtime.length !== SIZE) throw new Error(`${runtime.length} bytes instead of ${SIZE}`);
  const sha256 = createHash("sha256").update(runtime).digest("hex");
  if (sha256 !== SHA256) throw new Error(`SHA-256 ${sha256} instead of ${SHA256}`);
  return runtime;
}

/** Where `needle` first stands in `haystack`, or -1. */
function indexOf(haystack: Uint8Array, needle: Uint8Array): number {
  const { buffer, byteOffset, length } = haystack;
  return Buffer.from(buffer, byteOffset, length).indexOf(needle);
}

if (import.meta.main) {
  const [executable, denort] = Deno.args;
  if (executable === undefined || denort === undefined) throw new Error("two paths are needed");
  await Deno.writeFile(denort, stockRuntime(await Deno.readFile(executable)), { mode: 0o755 });
}
