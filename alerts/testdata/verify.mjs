// Verifies deliveries with the npm package standardwebhooks, which shares no code with Wirewatch. Reads JSON lines
// {"key","headers","body"} from standard input, prints a line a delivery: ok, or why not.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { Webhook } = createRequire(process.argv[2] + "/")("standardwebhooks");

for await (const line of createInterface({ input: process.stdin })) {
  const { key, headers, body } = JSON.parse(line);
  try {
    const got = new Webhook(key).verify(body, headers);
    console.log(got.version === 1 && got.id === headers["webhook-id"] ? "ok" : "verified, but not version 1 of the contract");
  } catch (e) {
    console.log(String(e));
  }
}
