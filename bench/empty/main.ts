/**
 * The least that can answer a call on a unix socket: what Deno itself takes to start, to wait, and
 * to read and write.
 *
 * @module
 */

/** `A6.HTTPReqCall.Resp` with nothing in it (docs/protocol.md §15). */
// deno-fmt-ignore -- a word a line
const ANSWER = Uint8Array.of(
  2, 0, 0, 20,
  12, 0, 0, 0,
  0, 0, 6, 0,
  8, 0, 4, 0,
  6, 0, 0, 0,
  0, 0, 0, 0,
);

const address = Deno.env.get("APISIX_LISTEN_ADDRESS") ?? "";
const listener = Deno.listen({ transport: "unix", path: address.replace("unix:", "") });
for await (const connection of listener) serve(connection);

/** Takes each read for a whole call. */
async function serve(connection: Deno.Conn): Promise<void> {
  const bytes = new Uint8Array(4096);
  try {
    while (await connection.read(bytes) !== null) await connection.write(ANSWER);
  } catch {
    // The peer has gone.
  }
}
