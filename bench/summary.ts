/**
 * The tables of the last run inside docs/performance.md.
 *
 * @module
 */

const DOCUMENT = new URL("../docs/performance.md", import.meta.url);

/**
 * Replaces what stands between the two marks of a section.
 *
 * @param name The section.
 * @param text Its new content, in Markdown.
 * @throws {Error} When the document has no such section.
 */
export async function insertSection(name: string, text: string): Promise<void> {
  const document = await Deno.readTextFile(DOCUMENT);
  await Deno.writeTextFile(DOCUMENT, withSection(document, name, text));
}

/**
 * A document with another content between the two marks of a section.
 *
 * @param document The document.
 * @param name The section.
 * @param text The content.
 * @throws {Error} When the document has no such section.
 */
export function withSection(document: string, name: string, text: string): string {
  const begin = `<!-- begin ${name} -->\n`;
  const end = `<!-- end ${name} -->\n`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`The document has no section "${name}"`);
  return `${document.slice(0, from)}${begin}\n${text}\n\n${document.slice(to)}`;
}
