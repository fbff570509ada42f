/**
 * Plugin files for tests.
 *
 * @module
 */

import { dirname, join } from "node:path";

/** A folder with files, for the time of a test. */
export class Files implements AsyncDisposable {
  private constructor(readonly path: string) {}

  /** Makes the folder with some files. */
  static async make(files: Readonly<Record<string, string>> = {}): Promise<Files> {
    const made = new Files(await Deno.makeTempDir({ prefix: "deno-runner-plugins-" }));
    for (const [name, text] of Object.entries(files)) await made.write(name, text);
    return made;
  }

  /** Writes a file, and makes the folders above it. */
  async write(name: string, text: string): Promise<void> {
    await Deno.mkdir(dirname(join(this.path, name)), { recursive: true });
    await Deno.writeTextFile(join(this.path, name), text);
  }

  /** Replaces a file as editors do: by another that gets its name. */
  async replace(name: string, text: string): Promise<void> {
    const other = join(this.path, `.${name}.${crypto.randomUUID()}.tmp`);
    await Deno.writeTextFile(other, text);
    await Deno.rename(other, join(this.path, name));
  }

  /** Removes a file. */
  async remove(name: string): Promise<void> {
    await Deno.remove(join(this.path, name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** The text of a plugin file: a plugin that does nothing, unless a hook is given. */
export function plugin(name: string, hook: string = "onRequest() {}"): string {
  return `import { definePlugin, stop } from "@apisix-deno/plugin-runner";
export default definePlugin({ name: ${JSON.stringify(name)}, ${hook} });
void stop;
`;
}
