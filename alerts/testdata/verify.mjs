// Verifies deliveries with the npm packages standardwebhooks and svix, which share no code with Wirewatch. Reads JSON lines
// {"key","headers","body"} from standard input, prints a line a delivery: ok, or why not.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const from = createRequire(process.argv[2] + "/");
const verifiers = ["standardwebhooks", "svix"].map((name) => from(name).Webhook);

for await (const line of createInterface({ input: process.stdin })) {
  const { key, headers, body } = JSON.parse(line);
  const said = verifiers.map((Webhook) => {
    try {
      const got = new Webhook(key).verify(body, headers);
      return got.version === 1 && got.id === headers["webhook-id"] ? "ok" : "verified, but not version 1 of the contract";
    } catch (e) {
      return String(e);
    }
  });
  console.log(said[0] === said[1] ? said[0] : `they differ: ${said.join(" | ")}`);
}
