/**
 * The messages that all benchmarks use: what a browser sends through APISIX, and a usual response.
 *
 * @module
 */

import type { HTTPReqCallReq, HTTPRespCallReq } from "../protocol/messages.ts";

/**
 * A request of about 1.1 kB with ten headers.
 *
 * @param confToken The token to send.
 */
export function request(confToken: number): HTTPReqCallReq {
  return {
    id: 4_194_305,
    srcIp: Uint8Array.of(203, 0, 113, 7),
    method: 0,
    path: "/api/v1/articles/2024/search",
    args: [{ name: "q", value: "flat buffers" }, { name: "page", value: "3" }],
    headers: Object.entries({
      host: "shop.example.com",
      "user-agent":
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0",
      accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
      "accept-language": "en-GB,en;q=0.9,de;q=0.8",
      "accept-encoding": "gzip, deflate, br, zstd",
      referer: "https://shop.example.com/api/v1/articles/2024",
      cookie: "session=9f86d081884c7d659a2feaa0c55ad015; theme=dark; consent=yes",
      authorization: "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYWNrIn0.c2lnbmF0dXJl",
      "x-request-id": "5b1f7f0c-2a5e-4d2b-9a57-1c8a4e0d6f11",
      "x-forwarded-for": "203.0.113.7",
    }).map(([name, value]) => ({ name, value })),
    confToken,
  };
}

/**
 * A response with eight headers.
 *
 * @param confToken The token to send.
 */
export function response(confToken: number): HTTPRespCallReq {
  return {
    id: 4_194_306,
    status: 200,
    headers: Object.entries({
      "Content-Type": "application/json; charset=utf-8",
      "Content-Length": "512",
      "Cache-Control": "no-cache, private",
      Date: "Sun, 22 Nov 2026 10:00:00 GMT",
      ETag: 'W/"200-9f86d081884c7d659a2feaa0c55ad015"',
      Server: "upstream/1.0",
      Vary: "accept-encoding",
      "X-Powered-By": "Upstream",
    }).map(([name, value]) => ({ name, value })),
    confToken,
  };
}
