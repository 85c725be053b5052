# Calls of Apache's Dubbo client for Node.js: results of several types, a method that throws, a service that is not there, several
# calls at once that are answered in another order, and a heartbeat of the server. The server is a few lines with hessian.js, the
# library that the client uses too: there is no server of the protocol for Node.js or Python.
# Needs NODE_PATH with apache-dubbo-js 3.0.0-rc6, hessian.js 2.11.0 and js-to-java 2.4.0 (npm).
cat > server.js <<'JAVASCRIPT'
const net = require("net"), hessian = require("hessian.js"), java = require("js-to-java");
const OK = 20, NO_SERVICE = 60;
function reply(socket, id, status, values) {
  const encoder = new hessian.EncoderV2();
  for (const value of values) encoder.write(value);
  const body = encoder.get();
  const head = Buffer.alloc(16);
  head.writeUInt16BE(0xdabb, 0); head[2] = 2; head[3] = status; id.copy(head, 4); head.writeUInt32BE(body.length, 12);
  socket.write(Buffer.concat([head, body]));
}
const thrown = java("java.lang.IllegalStateException", {
  detailMessage: java.String("no such user"), stackTrace: java.array("java.lang.StackTraceElement", []), cause: null });
net.createServer((socket) => {
  let buffer = Buffer.alloc(0);
  socket.on("error", () => {});
  setTimeout(() => socket.write(Buffer.from("dabbe200000000000000002a000000014e", "hex")), 50);
  socket.on("data", (data) => {
    buffer = Buffer.concat([buffer, data]);
    while (buffer.length >= 16 && buffer.length >= 16 + buffer.readUInt32BE(12)) {
      const [head, body] = [buffer.slice(0, 16), buffer.slice(16, 16 + buffer.readUInt32BE(12))];
      buffer = buffer.slice(16 + body.length);
      const id = head.slice(4, 12);
      if (head[2] & 0x20) {
        const answer = Buffer.from(head); answer[2] = 0x22; answer[3] = OK; answer.writeUInt32BE(1, 12);
        socket.write(Buffer.concat([answer, Buffer.from("N")]));
        continue;
      }
      const decoder = new hessian.DecoderV2(body);
      const [, service, , method] = [0, 1, 2, 3].map(() => decoder.read());
      if (service.endsWith("Missing")) reply(socket, id, NO_SERVICE, ["Service not found: " + service]);
      else if (method === "find") reply(socket, id, OK, [java.int(1), { id: 7, name: "Ada" }]);
      else if (method === "slow") setTimeout(() => reply(socket, id, OK, [java.int(1), "done"]), 150);
      else if (method === "nothing") reply(socket, id, OK, [java.int(2)]);
      else if (method === "large") reply(socket, id, OK, [java.int(1), "x".repeat(20000)]);
      else reply(socket, id, OK, [java.int(0), thrown]);
    }
  });
}).listen(20880, "127.0.0.1");
JAVASCRIPT
cat > client.js <<'JAVASCRIPT'
const { DirectlyDubbo } = require("apache-dubbo-js"), java = require("js-to-java"), fs = require("fs");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
(async () => {
  while (!fs.existsSync("go")) await sleep(50);
  const dubbo = DirectlyDubbo.from({ dubboAddress: "127.0.0.1:20880", dubboVersion: "2.0.2", dubboInvokeTimeout: 5 });
  const methods = {
    find(id) { return [java.long(id)]; },
    slow() {},
    nothing(map) { return [java("java.util.HashMap", map), java.array("java.lang.String", ["a", "b"]), java.boolean(true)]; },
    large(text) { return [java.String(text)]; },
    fail() {},
  };
  const users = dubbo.proxyService({ dubboInterface: "com.example.UserService", version: "1.0.0", group: "blue", methods });
  const missing = dubbo.proxyService({ dubboInterface: "com.example.Missing", version: "1.0.0", methods });
  await users.find(7);
  await users.nothing({ name: "Ada", age: 36 });
  await users.large("y".repeat(9000));
  await Promise.all([users.slow(), users.find(8), users.find(9)]);
  await users.fail();
  await missing.find(1);
  await sleep(200);
  process.exit(0);
})();
JAVASCRIPT
node server.js & server=$!
trap 'kill $server' EXIT
sleep 1
touch ready
node client.js
