# What a broker may say in MQTT 5 and Mosquitto does not: aliases of its own, a challenge before it lets a client in, subscriptions
# refused with reasons, a goodbye with a reason. MQTT.js against a broker of fifty lines whose packets `mqtt-packet` writes.
# servers: the script's own
# clients: mqtt (npm)
cd "${NODE_FOLDER:-.}"
node - <<'CLIENT'
const net = require('net')
const mqtt = require('mqtt')
const packets = require('mqtt-packet')
const version = { protocolVersion: 5 }
const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const broker = net.createServer((socket) => {
  const parser = packets.parser(version)
  const say = (packet) => socket.write(packets.generate(packet, version))
  let nextId = 1
  socket.on('error', () => {})
  socket.on('data', (data) => parser.parse(data))
  parser.on('packet', (packet) => {
    const { cmd, messageId } = packet
    if (cmd === 'connect') {
      say({ cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'riddle', authenticationData: Buffer.from('2+2') } })
    } else if (cmd === 'auth') {
      say({ cmd: 'connack', sessionPresent: false, reasonCode: 0,
        properties: { topicAliasMaximum: 5, serverKeepAlive: 30, assignedClientIdentifier: 'guest-1' } })
    } else if (cmd === 'subscribe') {
      const refusal = { 'stock/#': 0x9e, 'secret/#': 0x87 }
      say({ cmd: 'suback', messageId, granted: packet.subscriptions.map(({ topic, qos }) => refusal[topic] || qos),
        properties: { reasonString: 'not for guests' } })
    } else if (cmd === 'publish') {
      const refused = packet.payload.toString().includes('huge')
      if (packet.qos === 1) say({ cmd: 'puback', messageId, reasonCode: refused ? 0x97 : 0 })
      if (packet.qos === 2) say({ cmd: 'pubrec', messageId, reasonCode: 0 })
      if (refused) return
      // The first message of a topic gives it an alias, the others have only that.
      const properties = { topicAlias: 1, userProperties: { traceparent: parent } }
      const [id, again] = [nextId, nextId + 1]
      nextId += 2
      say({ cmd: 'publish', topic: 'news/today', qos: 1, messageId: id, payload: 'first', properties })
      say({ cmd: 'publish', topic: '', qos: 2, messageId: again, payload: 'second', properties: { topicAlias: 1 } })
      say({ cmd: 'publish', topic: '', qos: 0, payload: 'third', properties: { topicAlias: 1 } })
    } else if (cmd === 'pubrec') {
      say({ cmd: 'pubrel', messageId, reasonCode: 0 })
    } else if (cmd === 'pubrel') {
      say({ cmd: 'pubcomp', messageId, reasonCode: 0 })
    } else if (cmd === 'unsubscribe') {
      say({ cmd: 'unsuback', messageId, granted: packet.unsubscriptions.map(() => 0x11) })
      say({ cmd: 'disconnect', reasonCode: 0x8b, properties: { reasonString: 'until tomorrow' } })
      socket.end()
    }
  })
})

broker.listen(1883, '127.0.0.1', async () => {
  const client = mqtt.connect('mqtt://127.0.0.1', {
    protocolVersion: 5, clientId: '', clean: true, reconnectPeriod: 0, autoAssignTopicAlias: true,
    properties: { authenticationMethod: 'riddle', topicAliasMaximum: 10 },
    will: { topic: 'wills/guest', payload: 'gone', qos: 1, retain: true, properties: { willDelayInterval: 5 } }
  })
  client.handleAuth = (packet, done) => done(null, {
    cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'riddle', authenticationData: Buffer.from('4') }
  })
  client.on('error', () => {})
  await new Promise((resolve) => client.once('connect', resolve))
  await client.subscribeAsync({ 'news/+': { qos: 2 } })
  await client.subscribeAsync(['orders/#', 'stock/#', 'secret/#'], { qos: 1 }).catch(() => {})
  await client.publishAsync('orders/new', 'one', { qos: 1, properties: { userProperties: { traceparent: parent } } })
  await client.publishAsync('orders/new', 'two', { qos: 2 })
  await client.publishAsync('orders/new', 'a huge one', { qos: 1 }).catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 200))
  const closed = new Promise((resolve) => client.once('close', resolve))
  client.unsubscribe('never/subscribed')
  await closed
  client.end(true)
  broker.close()
  process.exit(0)
})
CLIENT
