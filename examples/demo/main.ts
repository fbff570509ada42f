/**
 * Shows the runner at work without APISIX: starts it on a temporary socket, plays APISIX against
 * it over that socket, and prints what a client and the upstream would see.
 *
 * @module
 */

import { serve } from "../../mod.ts";
import { ApisixClient, type Route } from "../../runner/apisix/client.ts";
import type { HttpRequest, HttpResponse } from "../../runner/apisix/http.ts";
import plugin from "./plugin.ts";

const folder = await Deno.makeTempDir({ prefix: "deno-runner-demo-" });
const path = `${folder}/runner.sock`;
const runner = await serve({ plugins: [plugin], listen: `unix:${path}` });
const apisix = new ApisixClient(() => Deno.connect({ transport: "unix", path }));

const route: Route = {
  plugins: [{ name: "front-door", value: '{"closed":["/admin"]}' }],
  variables: { geoip2_data_country_code: "NZ" },
};

try {
  console.log(`A runner serves the plugin "front-door" on ${runner.address}`);
  console.log(`The route's configuration: ${route.plugins[0]?.value}`);
  for (const target of ["/admin?user=1", "/hello?name=Ann&debug=1"]) {
    const request = get(target);
    print(`The client asks`, requestLines(request));
    const result = await apisix.request(route, request);
    if (result.type === "stopped") {
      print("The plugin answers, and the upstream never hears of it. The client gets", [
        ...responseLines(result.response),
      ]);
    } else {
      print("The plugin lets it pass. The upstream gets", requestLines(result.request));
      print("and the client's response will have", headerLines(result.responseHeaders));
    }
  }
  const upstream: HttpResponse = {
    status: 200,
    headers: [["Content-Type", "text/plain"], ["X-Powered-By", "Upstream/1.0"]],
    body: bytes("Hello, Wrold!"),
  };
  print("The upstream answers", responseLines(upstream));
  const response = await apisix.response(route, get("/hello?name=Ann"), upstream);
  print("After the response phase the client gets", responseLines(response));
} finally {
  apisix.close();
  await runner.shutdown();
  await Deno.remove(folder, { recursive: true });
}

function get(target: string): HttpRequest {
  return {
    method: "GET",
    target,
    headers: [["host", "example.com"], ["accept", "*/*"]],
    body: bytes(""),
    clientIp: "203.0.113.9",
  };
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function print(title: string, lines: readonly string[]): void {
  console.log(`\n${title}\n${lines.map((line) => `    ${line}`).join("\n")}`);
}

function requestLines({ method, target, headers }: HttpRequest): string[] {
  return [`${method} ${target}`, ...headerLines(headers)];
}

function responseLines({ status, headers, body }: HttpResponse): string[] {
  return [String(status), ...headerLines(headers), "", new TextDecoder().decode(body)];
}

function headerLines(headers: readonly (readonly [string, string])[]): string[] {
  return headers.map(([name, value]) => `${name}: ${value}`);
}
