/**
 * What HTTP and APISIX allow of a header (protocol.md §8.1, §8.2, §10.4).
 *
 * @module
 */

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// deno-lint-ignore no-control-regex -- these control characters are what must not be in a value
const FORBIDDEN_IN_VALUE = /[\x00\r\n]/;

/** Headers of one hop, and the length of a body that APISIX may send in another form. */
const NOT_TO_BE_SENT = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * A set of lengths, as bits: a name of a length that is not in it is none of those it was made of.
 *
 * @param names Any names.
 * @returns The set; to be asked with {@linkcode mayBeAmong}.
 */
export function lengthsOf(names: Iterable<string>): number {
  let lengths = 0;
  for (const { length } of names) lengths |= 1 << (length & 31);
  return lengths;
}

/** The lengths of the names for which {@linkcode isHopByHopOrLength} is true. */
export const HOP_BY_HOP_LENGTHS: number = lengthsOf(NOT_TO_BE_SENT);

/**
 * Whether a name of that length may be among those that a set of lengths was made of.
 *
 * @param lengths See {@linkcode lengthsOf}.
 * @param length The length of the name.
 */
export function mayBeAmong(lengths: number, length: number): boolean {
  return (lengths >>> (length & 31) & 1) === 1;
}

/** Response headers that APISIX ignores when a Rewrite sets them (§8.2 step 4). */
const DROPPED_BY_REWRITE = new Set([
  "connection",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
  "location",
  "server",
  "transfer-encoding",
  "www-authenticate",
]);

/**
 * A header name in the form in which names are compared.
 *
 * @param name Any case.
 * @returns The name in lower case.
 * @throws {TypeError} When it is not a legal header name.
 */
export function headerName(name: string): string {
  const known = checkedNames.get(name);
  return known ?? checkName(name);
}

/** Names that were checked: plugins use the same few again and again. */
const checkedNames = new Map<string, string>();
const MAX_CHECKED_NAMES = 512;

function checkName(name: string): string {
  if (!TOKEN.test(name)) throw new TypeError(`Cannot use ${JSON.stringify(name)} as a header name`);
  const key = name.toLowerCase();
  if (checkedNames.size < MAX_CHECKED_NAMES) checkedNames.set(name, key);
  return key;
}

/**
 * Checks a header value; white space around it is not part of it.
 *
 * @param name The header, for the error.
 * @param value The value; any text without CR, LF and NUL.
 * @returns The value to send.
 * @throws {TypeError} When the value could end the header and begin another.
 */
export function headerValue(name: string, value: string): string {
  const text = `${value}`;
  if (FORBIDDEN_IN_VALUE.test(text)) {
    throw new TypeError(`Cannot set header "${name}": its value contains CR, LF or NUL`);
  }
  return text.trim();
}

/**
 * Whether a header is left out of what the runner sends: APISIX sets these itself, and a second or
 * a wrong one would corrupt the message.
 *
 * @param name In lower case.
 */
export function isHopByHopOrLength(name: string): boolean {
  return NOT_TO_BE_SENT.has(name);
}

/**
 * Whether APISIX ignores a response header that was set in the request phase.
 *
 * @param name In lower case.
 */
export function isDroppedByRewrite(name: string): boolean {
  return DROPPED_BY_REWRITE.has(name);
}
