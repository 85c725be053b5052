# Meta commands: one by one, with opaques and keys repeated, and quiet ones in a pipeline that a no-op ends: of five
# quiet retrievals two are answered, of three quiet stores one.
# servers: memcached
# clients: netcat-openbsd
{
    printf 'ms user:1 3 T300 c\r\nAda\r\n'; sleep 0.1
    printf 'mg user:1 v t f\r\n'; sleep 0.1
    printf 'mg user:none v\r\n'; sleep 0.1
    printf 'mg user:1 k v q O1\r\nmg none:1 k v q O2\r\nmg none:2 k v q\r\nmg user:1 v q k\r\nmg none:3 v q\r\nmn\r\n'; sleep 0.1
    printf 'ms a 1 q\r\n1\r\nms user:1 1 ME q O7\r\nx\r\nms b 1 q\r\n2\r\nmn\r\n'; sleep 0.1
    printf 'ma visits N0 J10 v\r\nma visits v\r\nma visits MD D3 v\r\n'; sleep 0.1
    printf 'me user:1\r\nmd user:1\r\nmd user:1\r\nmd a q\r\nmd none q\r\nmn\r\n'; sleep 0.1
    printf 'mg\r\n'; sleep 0.1
} | nc -q 1 "$SERVER" 11211 > /dev/null
