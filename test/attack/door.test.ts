/** Who gets a socket without being anybody. */
import { attack, useHost } from "./attack.ts";
import { admittedOf } from "./bench.ts";

useHost(async () => ({ changes: { allowedHosts: ["https://app.example.com"] } }));

attack(
  "A18",
  "no credentials, on loopback",
  { expect: { act: "upgrade", code: "bearer_missing" } },
  async (bench) => {
    const answers = await Promise.all([
      ...["/", "/rpc", "/ws?x=1"].map((path) => bench.upgrade({}, path)),
      bench.upgrade({ Authorization: "" }),
    ]);
    return { tried: answers.length, admitted: admittedOf(answers) };
  },
);
