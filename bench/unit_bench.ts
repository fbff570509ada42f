/**
 * The unit in which the times of the parts are told, see `parts.ts`.
 *
 * @module
 */

const bytes = new Uint8Array(4096).map((_, i) => i);

Deno.bench("the unit: fixed work", () => {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum = sum * 31 + (bytes[i] ?? 0) | 0;
  if (sum === 1) throw new Error("It is not 1");
});
