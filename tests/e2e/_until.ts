/**
 * Waiting for things that happen soon, or not at all.
 *
 * @module
 */

/** How long anything may take that is not measured: much, as the machine may be busy. */
export const SOON_MS = 15_000;

/**
 * Waits for a promise, but not for ever.
 *
 * @param promise What to wait for.
 * @param what It in words, for the error.
 * @param ms How long.
 * @throws {Error} When the time is over.
 */
export async function within<Value>(
  promise: Promise<Value>,
  what: string,
  ms: number = SOON_MS,
): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits until something is so.
 *
 * @param condition Whether it is; asked again and again.
 * @param what It in words, for the error.
 * @throws {Error} When it has not become so after {@linkcode SOON_MS}.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const end = performance.now() + SOON_MS;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${SOON_MS} ms`);
    await delay(5);
  }
}

/** A pause, for what is about time itself. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
