// Takes webhooks on 127.0.0.1, believes those whose signature is right, and prints what they say.
//
//     WEBHOOK_SECRET=whsec_… node docs/samples/receiver.mjs [port]
//
// Standard Webhooks in full, with nothing but Node's own crypto. It keeps nothing: a real receiver stores each
// webhook-id before it answers, so that a message that is delivered twice has its effect once.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const port = Number(process.argv[2] ?? 9000);
const LONGEST_BODY = 1024 * 1024;
const OLDEST_SECONDS = 5 * 60;
const seen = new Set();

// The signature covers id, time and the very bytes of the body; during a change of secrets there are two of them.
function isGenuine(id, timestamp, signatures, body) {
  if (!id || !signatures || !(Math.abs(Date.now() / 1000 - Number(timestamp)) <= OLDEST_SECONDS)) return false;
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  return signatures.split(" ").some((signature) => {
    const [version, value = ""] = signature.split(",");
    const given = Buffer.from(value, "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

function told(data) {
  if (data.unit === undefined || data.numerator === undefined) return JSON.stringify(data);
  return `${data.unit.name}: ${data.metric} ${data.numerator}/${data.denominator}, target ${data.target}`;
}

async function receive(request, response) {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > LONGEST_BODY) return response.writeHead(413).end();
    parts.push(part);
  }
  const body = Buffer.concat(parts);
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = request.headers;
  if (!isGenuine(id, timestamp, signatures, body)) {
    response.writeHead(400).end();
    return console.log("refused: no matching signature");
  }
  response.writeHead(204).end();
  const message = JSON.parse(body);
  console.log(`verified ${seen.has(id) ? "again " : ""}${message.type} ${id} ${told(message.data)}`);
  seen.add(id);
}

createServer(receive).listen(port, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${port}`));
