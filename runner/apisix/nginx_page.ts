/**
 * What nginx says for itself when an answer has no body (protocol.md §8.1).
 *
 * @module
 */

/** The statuses for which nginx has a page, with their headings. */
const HEADINGS: ReadonlyMap<number, string> = new Map([
  [301, "Moved Permanently"],
  [302, "Found"],
  [303, "See Other"],
  [307, "Temporary Redirect"],
  [308, "Permanent Redirect"],
  [400, "Bad Request"],
  [401, "Authorization Required"],
  [402, "Payment Required"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Not Allowed"],
  [406, "Not Acceptable"],
  [408, "Request Time-out"],
  [409, "Conflict"],
  [410, "Gone"],
  [411, "Length Required"],
  [412, "Precondition Failed"],
  [413, "Request Entity Too Large"],
  [414, "Request-URI Too Large"],
  [415, "Unsupported Media Type"],
  [416, "Requested Range Not Satisfiable"],
  [421, "Misdirected Request"],
  [429, "Too Many Requests"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [502, "Bad Gateway"],
  [503, "Service Temporarily Unavailable"],
  [504, "Gateway Time-out"],
  [505, "HTTP Version Not Supported"],
  [507, "Insufficient Storage"],
]);

/**
 * The page that nginx sends for a status in place of an empty body. Its text differs a little
 * between versions.
 *
 * @param status The status.
 * @returns The page, as HTML; `null` when nginx has none for it.
 */
export function nginxPage(status: number): Uint8Array<ArrayBuffer> | null {
  const heading = HEADINGS.get(status);
  if (heading === undefined) return null;
  const title = `${status} ${heading}`;
  return new TextEncoder().encode(
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n` +
      `<center><h1>${title}</h1></center>\r\n<hr><center>openresty</center>\r\n` +
      "</body>\r\n</html>\r\n",
  );
}
