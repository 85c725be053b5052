# Calls of SOFARPC for Node.js over Bolt: a result, a method that throws, a service that is not there, several calls at once.
# Needs NODE_PATH with sofa-rpc-node 2.0.0 or later (npm).
cat > peer.js <<'JAVASCRIPT'
const fs = require("fs");
const { RpcServer } = require("sofa-rpc-node").server, { RpcClient } = require("sofa-rpc-node").client;
const logger = { info() {}, warn() {}, error() {}, debug() {}, write() {} };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
(async () => {
  const server = new RpcServer({ logger, port: 12200 });
  server.addService({ interfaceName: "com.example.UserService" }, {
    async plus(a, b) { return a + b; },
    async slow() { await sleep(100); return "done"; },
    async fail() { throw new Error("no such user"); },
  });
  await server.start();
  fs.writeFileSync("ready", "");
  while (!fs.existsSync("go")) await sleep(50);
  const client = new RpcClient({ logger });
  const consumer = client.createConsumer({ interfaceName: "com.example.UserService", serverHost: "127.0.0.1:12200" });
  await consumer.ready();
  const attempt = async (consumer, method, args) => {
    try { return await consumer.invoke(method, args, { responseTimeout: 2000 }); } catch (error) { return error.message; }
  };
  console.log(await attempt(consumer, "plus", [1, 2]));
  console.log(await Promise.all([attempt(consumer, "slow", []), attempt(consumer, "plus", [3, 4])]));
  console.log(await attempt(consumer, "fail", []));
  console.log(await attempt(consumer, "noSuchMethod", []));
  const missing = client.createConsumer({ interfaceName: "com.example.Missing", serverHost: "127.0.0.1:12200" });
  await missing.ready();
  console.log(await attempt(missing, "plus", [1, 2]));
  await sleep(200);
  process.exit(0);
})();
JAVASCRIPT
node peer.js
