# A command that waits 200 ms for nothing and one that another connection ends: their duration is the time they
# waited.
# servers: redis
# clients: redis-tools
redis-cli -h "$SERVER" BLPOP empty 0.2 > /dev/null
redis-cli -h "$SERVER" BLPOP jobs 5 > /dev/null &
sleep 0.1
redis-cli -h "$SERVER" RPUSH jobs first > /dev/null
wait
