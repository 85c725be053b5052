// An HTTPS server and its clients in one Node.js, for the tests of OpenSSL inside of a program.
//
//     https.js CERTIFICATE KEY CONNECTIONS REQUESTS     prints its port, begins to ask when its input says so
const fs = require("fs");
const https = require("https");

const [certificate, key, connections, requests] = process.argv.slice(2);
const options = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) };
const server = https.createServer(options, (request, response) => response.end("answer to " + request.url));

function ask(agent, number) {
  const { port } = server.address();
  return new Promise((resolve, reject) => {
    const asked = https.get({ host: "127.0.0.1", port, path: "/number/" + number, agent }, (response) => {
      response.resume();
      response.on("end", resolve);
    });
    asked.on("error", reject);
  });
}

async function askAll() {
  const agent = new https.Agent({ keepAlive: true, maxSockets: Number(connections), rejectUnauthorized: false });
  await Promise.all(Array.from({ length: Number(requests) }, (_, number) => ask(agent, number)));
  process.exit(0);
}

server.listen(0, "127.0.0.1", () => {
  console.log(server.address().port);
  process.stdin.once("data", askAll);
});
