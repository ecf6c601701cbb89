// Lists the records of WARC files, or writes one, with the npm package warcio, which shares no code with Wirewatch.
//   warcio.mjs NODE_MODULES list FILE    a line of JSON a record
//   warcio.mjs NODE_MODULES write FILE   a gzip member a record
import { createHash } from "node:crypto";
import { createReadStream, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [dir, verb, file] = process.argv.slice(2);
const { WARCParser, WARCRecord, WARCSerializer } = createRequire(dir + "/")("warcio");

if (verb === "list") {
  const parser = new WARCParser(createReadStream(file));
  for await (const record of parser) {
    const offset = parser.offset;
    const payload = await record.readFully(true);
    console.log(
      JSON.stringify({
        offset,
        type: record.warcType,
        uri: record.warcTargetURI ?? "",
        date: record.warcDate,
        payload: record.warcHeader("WARC-Payload-Digest") ?? "",
        block: record.warcHeader("WARC-Block-Digest") ?? "",
        status: record.httpHeaders ? record.httpHeaders.statusCode : 0,
        sha1: createHash("sha1").update(payload).digest("hex"),
      }),
    );
  }
} else {
  const parts = [];
  const put = async (options, ...body) => {
    async function* content() {
      for (const b of body) yield new TextEncoder().encode(b);
    }
    const record = await WARCRecord.create(options, content());
    parts.push(await WARCSerializer.serialize(record, { gzip: true, digest: { algo: "sha-1", prefix: "sha1:", base32: true } }));
  };
  const date = "2024-03-01T10:00:00Z";
  parts.push(await WARCSerializer.serialize(WARCRecord.createWARCInfo({ filename: "x.warc.gz", warcVersion: "WARC/1.1" }, { software: "warcio" }), { gzip: true }));
  await put({ url: "https://a.example/1", date, type: "response", warcVersion: "WARC/1.1", httpHeaders: { "Content-Type": "text/html" } }, "<html>", "Grüße");
  await put(
    { url: "https://a.example/2", date, type: "response", warcVersion: "WARC/1.0", httpHeaders: { "Content-Type": "text/html", "Transfer-Encoding": "chunked" } },
    "6\r\n<html>\r\n3\r\ntwo\r\n0\r\n\r\n",
  );
  await put({ url: "https://a.example/3", date, type: "resource", warcVersion: "WARC/1.1", warcHeaders: { "Content-Type": "text/html" } }, "<html>three");
  writeFileSync(file, Buffer.concat(parts));
}
