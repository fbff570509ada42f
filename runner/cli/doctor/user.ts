/**
 * Users of this machine, and what they may reach.
 *
 * @module
 */

import { dirname } from "node:path";

/** A user as the kernel sees one. */
export interface User {
  /** The name. */
  readonly name: string;
  /** The number. */
  readonly uid: number;
  /** The numbers of all groups that the user is in. */
  readonly gids: readonly number[];
}

/** The lines of `/etc/passwd` and `/etc/group`. */
export interface UserFiles {
  /** `name:password:uid:gid:…` */
  readonly passwd: string;
  /** `name:password:gid:members` */
  readonly group: string;
}

/**
 * A user by name.
 *
 * @param name The name, or a number in digits; a group's name may follow, as nginx has it.
 * @param files Where users are looked up; those of this machine when absent.
 * @returns The user; `null` when there is none.
 */
export function userNamed(name: string, files: UserFiles = systemFiles()): User | null {
  const [user = "", group] = name.trim().split(/\s+/);
  const groups = files.group.split("\n").map((line) => line.split(":"));
  const entry = files.passwd.split("\n").map((line) => line.split(":"))
    .find(([one, , uid]) => one === user || uid === user);
  if (entry === undefined) {
    return /^\d+$/.test(user) ? { name: user, uid: Number(user), gids: [] } : null;
  }
  const [found = user, , uid, gid] = entry;
  const others = groups.filter(([one, , , members = ""]) =>
    one === group || members.split(",").includes(found)
  );
  return {
    name: found,
    uid: Number(uid),
    gids: [...new Set([Number(gid), ...others.map(([, , gid]) => Number(gid))])],
  };
}

/** What a file lets a user do. */
export type Right = "write" | "search";

/**
 * Whether a file's permissions let a user do something.
 *
 * @param file Its owner, group and mode.
 * @param user The user.
 * @param right Write, or search in it when it is a folder.
 */
export function mayUse(
  { uid, gid, mode }: Pick<Deno.FileInfo, "uid" | "gid" | "mode">,
  user: User,
  right: Right,
): boolean {
  if (user.uid === 0) return true;
  const shift = uid === user.uid ? 6 : gid !== null && user.gids.includes(gid) ? 3 : 0;
  return ((mode ?? 0) >> shift & (right === "write" ? 2 : 1)) !== 0;
}

/**
 * The folders from the root to a folder.
 *
 * @param folder The folder, absolute.
 * @returns `/` first, the folder itself last.
 */
export function foldersTo(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [...foldersTo(parent), folder];
}

/**
 * A mode as it is written.
 *
 * @param mode The mode of a file.
 * @returns Four octal digits.
 */
export function octal(mode: number | null): string {
  return ((mode ?? 0) & 0o7777).toString(8).padStart(4, "0");
}

function systemFiles(): UserFiles {
  return { passwd: textOrEmpty("/etc/passwd"), group: textOrEmpty("/etc/group") };
}

function textOrEmpty(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // Without the file no name is known.
    return "";
  }
}
