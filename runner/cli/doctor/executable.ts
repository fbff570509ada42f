/**
 * Whether a file can be executed on this machine.
 *
 * @module
 */

import { messageOf } from "../../../protocol/errors.ts";
import type { Finding } from "../finding.ts";
import { octal } from "./user.ts";

/** Names of ELF machines, as Deno calls them where it runs there. */
const MACHINES: ReadonlyMap<number, string> = new Map([
  [0x03, "x86 (32 bits)"],
  [0x28, "arm (32 bits)"],
  [0x3e, "x86_64"],
  [0xb7, "aarch64"],
  [0xf3, "riscv64"],
]);

/** The first bytes of what runs on other systems. */
const FOREIGN: readonly (readonly [prefix: string, system: string])[] = [
  ["cffaedfe", "macOS"],
  ["cafebabe", "macOS"],
  ["4d5a", "Windows"],
];

/** How much of a file is read to see what it is, in bytes. */
const HEAD_BYTES = 4096;

/** The program header that names the loader. */
const PT_INTERP = 3;

/**
 * Looks at a file that APISIX is to execute.
 *
 * @param path The file.
 * @param arch The architecture of this machine, as in `Deno.build.arch`.
 * @returns What is wrong with it; nothing when it can be executed.
 */
export function inspectExecutable(path: string, arch: string = Deno.build.arch): Finding[] {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    return [
      error instanceof Deno.errors.NotFound
        ? problem(`${path} does not exist`, "Put the executable there, or mend the path in cmd.")
        : problem(`${path} cannot be looked at: ${messageOf(error)}`, "Run doctor as root."),
    ];
  }
  if (!info.isFile) {
    return [problem(`${path} is not a file`, "Name the executable itself in cmd.")];
  }
  if (((info.mode ?? 0) & 0o111) === 0) {
    return [
      problem(`${path} is not executable: its mode is ${octal(info.mode)}`, `chmod +x ${path}`),
    ];
  }
  return inspectContent(path, info.size, arch);
}

function inspectContent(path: string, size: number, arch: string): Finding[] {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path);
  } catch (error) {
    const seen = `${path} cannot be read: ${messageOf(error)}`;
    return [{
      level: "warning",
      about: "cmd",
      seen,
      todo: "Run doctor as root to have it checked.",
    }];
  }
  try {
    const head = bytesAt(file, 0, HEAD_BYTES);
    const magic = head.subarray(0, 4).toHex();
    if (size === 0) return [problem(`${path} is empty`, "Copy the executable again.")];
    if (magic === "7f454c46") return inspectElf(path, file, head, arch);
    if (magic.startsWith("2321")) return inspectScript(path, new TextDecoder().decode(head));
    const foreign = FOREIGN.find(([prefix]) => magic.startsWith(prefix))?.[1];
    return [
      problem(
        foreign === undefined
          ? `${path} is neither a program nor a script that begins with #!`
          : `${path} is built for ${foreign}, this machine has ${systemName()}`,
        `Build it for this machine (${systemName()}, ${arch}).`,
      ),
    ];
  } finally {
    file.close();
  }
}

function inspectElf(path: string, file: Deno.FsFile, head: Uint8Array, arch: string): Finding[] {
  if (head.length < 64) return [problem(`${path} is cut off`, "Copy the executable again.")];
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const number = view.getUint16(18, true);
  const machine = MACHINES.get(number) ?? `machine ${number}`;
  // Deno calls some architectures by a longer name, like riscv64gc.
  if (!arch.startsWith(machine)) {
    return [
      problem(
        `${path} is built for ${machine}, this machine is ${arch}`,
        `Build it for ${arch}: deno compile --target …`,
      ),
    ];
  }
  const loader = loaderOf(file, view);
  if (loader === null || exists(loader)) return [];
  return [
    problem(
      `${path} needs the loader ${loader}, which this machine does not have`,
      "Use a system with glibc, a Debian image for example: Alpine has another C library.",
    ),
  ];
}

/** The dynamic loader that a 64-bit program names; the kernel's "not found" may mean it. */
function loaderOf(file: Deno.FsFile, view: DataView): string | null {
  const is64Bit = view.getUint8(4) === 2;
  if (!is64Bit) return null;
  const at = Number(view.getBigUint64(32, true));
  const [size, count] = [view.getUint16(54, true), view.getUint16(56, true)];
  const headers = bytesAt(file, at, size * count);
  const table = new DataView(headers.buffer, headers.byteOffset, headers.byteLength);
  for (let i = 0; (i + 1) * size <= headers.length && size >= 56; i++) {
    if (table.getUint32(i * size, true) !== PT_INTERP) continue;
    const offset = Number(table.getBigUint64(i * size + 8, true));
    const length = Number(table.getBigUint64(i * size + 32, true));
    const name = bytesAt(file, offset, Math.min(length, HEAD_BYTES));
    return new TextDecoder().decode(name).replace(/\0.*$/s, "");
  }
  return null;
}

function inspectScript(path: string, text: string): Finding[] {
  const [first = ""] = text.split("\n");
  const interpreter = first.slice(2).trim().split(/\s+/)[0] ?? "";
  if (first.endsWith("\r")) {
    return [
      problem(
        `${path} is a script with the line ends of Windows: the system looks for "${interpreter}\\r"`,
        `sed -i 's/\\r$//' ${path}`,
      ),
    ];
  }
  if (!exists(interpreter)) {
    return [
      problem(
        `${path} is a script for ${interpreter}, which does not exist`,
        "Mend its first line.",
      ),
    ];
  }
  if (/^\s*exec\s/m.test(text)) return [];
  return [{
    level: "warning",
    about: "cmd",
    seen: `${path} is a script without exec: APISIX signals the script only, and the runner ` +
      "behind it outlives every reload, holding the socket",
    todo: "Start the runner as the script's last line, with exec before it.",
  }];
}

/** What is at a place of a file; less when it ends before. */
function bytesAt(file: Deno.FsFile, at: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  file.seekSync(at, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < length) {
    const count = file.readSync(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function systemName(): string {
  return Deno.build.os === "darwin" ? "macOS" : Deno.build.os === "linux" ? "Linux" : Deno.build.os;
}

function problem(seen: string, todo: string): Finding {
  return { level: "problem", about: "cmd", seen, todo };
}
