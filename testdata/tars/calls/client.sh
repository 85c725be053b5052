# Calls of Tars for Node.js, with the server and the proxy of the package's own example: results, several calls at once, a call
# that the server does not answer.
# Needs NODE_PATH with @tars/rpc 2.0.15 (npm).
EXAMPLES="$NODE_PATH/@tars/rpc/examples/rpc-tars/demo.1"
(cd "$EXAMPLES/server.node.1" && exec node main.js) & server=$!
trap 'kill $server' EXIT
sleep 3
touch ready
cat > client.js <<'JAVASCRIPT'
const fs = require("fs"), tars = require("@tars/rpc").client;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
(async () => {
  while (!fs.existsSync("go")) await sleep(50);
  const { NodeTarsProxy, User_t } = require(process.argv[2] + "/client.node.proxy/NodeTarsProxy").tars;
  const proxy = tars.stringToProxy(NodeTarsProxy, "TARS.NodeTarsServer.NodeTarsObj@tcp -h 127.0.0.1 -p 14002 -t 1500");
  const user = new User_t();
  user.name = "Ada";
  const attempt = async (call) => { try { return (await call).response.return; } catch (error) { return "failed"; } };
  console.log(await attempt(proxy.getUsrName("Ada")));
  console.log(await attempt(proxy.getall(user)));
  console.log(await Promise.all([attempt(proxy.getUsrName("Bob")), attempt(proxy.getall(user))]));
  console.log(await attempt(proxy.test()));
  process.exit(0);
})();
JAVASCRIPT
node client.js "$EXAMPLES"
