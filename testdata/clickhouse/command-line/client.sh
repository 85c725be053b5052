# The command line client, whose blocks are compressed.
# servers: clickhouse
# clients: clickhouse-client
{
    echo "CREATE TABLE events (id UInt32, name String) ENGINE = Memory;"
    echo "INSERT INTO events SELECT number, 'event' FROM system.numbers LIMIT 5000;"
    echo "SELECT count(), max(id) FROM events WHERE name = 'event';"
    echo "SELECT name, id FROM events LIMIT 3000;"
    echo "DROP TABLE events;"
} | clickhouse-client --host "$SERVER" --multiquery > /dev/null
clickhouse-client --host "$SERVER" --query "SELECT * FROM missing" > /dev/null 2>&1 || true
