// A mail server (smtp-server) that reads what it takes with mailparser; neither shares code with Wirewatch. Its first argument is a
// node_modules folder; KEY and CERT are PEM. It prints its port in the first line, then a JSON line for each mail.
import { createRequire } from "node:module";

const require = createRequire(process.argv[2] + "/");
const { SMTPServer } = require("smtp-server");
const { simpleParser } = require("mailparser");

const server = new SMTPServer({
  key: process.env.KEY, cert: process.env.CERT, authMethods: ["PLAIN", "LOGIN"],
  onAuth: (auth, session, done) => auth.username === "u" && auth.password === "p ass" ? done(null, { user: auth.username }) : done(new Error("no such login")),
  onRcptTo: (to, session, done) => to.address.startsWith("nobody@") ? done(Object.assign(new Error("no such mailbox"), { responseCode: 550 })) : done(),
  onData: (stream, session, done) => simpleParser(stream).then((m) => {
    console.log(JSON.stringify({
      user: session.user, secure: session.secure, rcpt: session.envelope.rcptTo.map((a) => a.address), sender: session.envelope.mailFrom.address,
      from: m.from.text, to: m.to.text, subject: m.subject, id: m.messageId, inReplyTo: m.inReplyTo ?? "", references: [].concat(m.references ?? []),
      date: m.date.toISOString(), headers: m.headerLines.map((h) => h.key), list: m.headers.get("list")?.id?.name ?? "", auto: m.headers.get("auto-submitted"),
      text: m.text, html: m.html, attachments: m.attachments.length,
    }));
    done();
  }, done),
});
server.listen(0, "127.0.0.1", () => console.log(server.server.address().port));
process.stdin.on("end", () => server.close()).resume();
