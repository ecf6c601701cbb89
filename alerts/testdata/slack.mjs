// Sends messages with Slack's own clients, which share no code with Wirewatch. Reads JSON lines from standard input, each with the
// url to post to, and prints a line for each: ok, or what the client says. {"hook", "message"}: by @slack/webhook;
// {"api", "token", "method", "args"}: by @slack/web-api.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.argv[2] + "/");
const { IncomingWebhook } = require("@slack/webhook");
const { WebClient, LogLevel } = require("@slack/web-api");

for await (const line of createInterface({ input: process.stdin })) {
  const { hook, message, api, token, method, args } = JSON.parse(line);
  try {
    if (hook) {
      console.log((await new IncomingWebhook(hook).send(message)).text);
    } else {
      const web = new WebClient(token, { slackApiUrl: api, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, logLevel: LogLevel.ERROR });
      console.log((await web.apiCall(method, args)).ok ? "ok" : "not ok");
    }
  } catch (e) {
    console.log(String(e?.data?.error ?? e).replaceAll("\n", " "));
  }
}
