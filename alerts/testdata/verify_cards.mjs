// Reads Adaptive Cards, one a line of JSON, with the npm package adaptivecards, as version 1.4. Prints a line a card: ok, or what the
// package finds wrong: an unknown element or value, or a property that is missing.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const AC = createRequire(process.argv[2] + "/")("adaptivecards/dist/adaptivecards.js");

for await (const line of createInterface({ input: process.stdin })) {
  const read = new AC.SerializationContext(AC.Versions.v1_4);
  const card = new AC.AdaptiveCard();
  card.parse(JSON.parse(line), read);
  const found = card.validateProperties().validationEvents.map((e) => e.message);
  for (let i = 0; i < read.eventCount; i++) found.push(read.getEventAt(i).message);
  console.log(found.length === 0 ? "ok" : found.join("; "));
}
