import assert from "node:assert/strict";

import { foldersTo, mayUse, octal, userNamed } from "../../../../runner/cli/doctor/user.ts";

const files = {
  passwd: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n" +
    "apisix:x:636:636::/usr/local/apisix:/bin/sh\n",
  group: "root:x:0:\nnogroup:x:65534:\napisix:x:636:\nweb:x:700:apisix,nobody\nadm:x:4:web\n",
};

Deno.test("userNamed knows number and groups", () => {
  assert.deepEqual(userNamed("apisix", files), { name: "apisix", uid: 636, gids: [636, 700] });
  assert.deepEqual(userNamed("65534", files), { name: "nobody", uid: 65534, gids: [65534, 700] });
});

Deno.test("userNamed takes a group behind the name, as nginx does", () => {
  assert.deepEqual(userNamed("nobody adm", files)?.gids, [65534, 700, 4]);
});

Deno.test("userNamed knows no user that is not there, but every number", () => {
  assert.equal(userNamed("www", files), null);
  assert.deepEqual(userNamed("1234", files), { name: "1234", uid: 1234, gids: [] });
});

Deno.test("mayUse looks at the one class of permissions that counts", () => {
  const user = { name: "apisix", uid: 636, gids: [636, 700] };
  const cases: [uid: number, gid: number, mode: number, write: boolean, search: boolean][] = [
    [0, 0, 0o666, true, false],
    [0, 0, 0o755, false, true],
    [0, 700, 0o660, true, false],
    [0, 700, 0o607, false, false],
    [636, 0, 0o077, false, false],
    [636, 0, 0o300, true, true],
  ];
  for (const [uid, gid, mode, write, search] of cases) {
    const file = { uid, gid, mode };
    assert.equal(mayUse(file, user, "write"), write, `${uid} ${gid} ${octal(mode)}`);
    assert.equal(mayUse(file, user, "search"), search, `${uid} ${gid} ${octal(mode)}`);
  }
});

Deno.test("mayUse lets root do all", () => {
  const root = { name: "root", uid: 0, gids: [0] };
  assert.equal(mayUse({ uid: 5, gid: 5, mode: 0 }, root, "write"), true);
});

Deno.test("foldersTo begins at the root", () => {
  assert.deepEqual(foldersTo("/a/b"), ["/", "/a", "/a/b"]);
  assert.deepEqual(foldersTo("/"), ["/"]);
});
