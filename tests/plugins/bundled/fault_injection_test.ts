import assert from "node:assert/strict";

import { faultInjection } from "../../../plugins/bundled/fault_injection.ts";
import { configured, FakeHost, requestMessage, stopOf, text } from "../_calls.ts";

Deno.test("fault-injection answers every request by default", async () => {
  const chain = await configured(faultInjection, { http_status: 503, body: "injected" });
  for (let i = 0; i < 20; i++) {
    const action = stopOf(await chain.request(requestMessage(), new FakeHost()));
    assert.equal(action.status, 503);
    assert.equal(text(action.body ?? ""), "injected");
  }
});

Deno.test("fault-injection of no percent hits no request", async () => {
  const chain = await configured(faultInjection, { http_status: 503, percentage: 0 });
  for (let i = 0; i < 20; i++) {
    const { action } = await chain.request(requestMessage(), new FakeHost());
    assert.equal(action, null);
  }
});

Deno.test("fault-injection of some percent hits some requests", async () => {
  const chain = await configured(faultInjection, { http_status: 503, percentage: 50 });
  let hit = 0;
  for (let i = 0; i < 1000; i++) {
    const { action } = await chain.request(requestMessage(), new FakeHost());
    if (action !== null) hit++;
  }
  // Ten standard deviations on either side.
  assert(hit > 340 && hit < 660, `${hit} of 1000`);
});

Deno.test("fault-injection needs a status, and one that can be sent", async () => {
  const wrong = [
    {},
    { http_status: 100 },
    { http_status: 1000 },
    { http_status: 200.5 },
    { http_status: "503" },
  ];
  for (const config of wrong) {
    await assert.rejects(configured(faultInjection, config), {
      name: "ConfigError",
      message: /http_status: /,
    });
  }
  for (const percentage of [-1, 101, 0.5]) {
    await assert.rejects(configured(faultInjection, { http_status: 503, percentage }), {
      message: /percentage: /,
    });
  }
});
