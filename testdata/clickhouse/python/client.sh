# The Python driver, without compression: values of many types, rows of several blocks, an insertion, a ping, a missing
# table, a syntax error.
# servers: clickhouse
# clients: python3-clickhouse-driver
/usr/bin/python3 - <<'PYTHON'
import os
from clickhouse_driver import Client
from clickhouse_driver.errors import Error
client = Client(os.environ["SERVER"])
client.execute("CREATE TABLE orders (id UInt64, item String, sizes Array(Int32), paid Nullable(UInt8), day Date) ENGINE = Memory")
client.execute("INSERT INTO orders VALUES", [(1, "lamp", [1, 2], 1, __import__("datetime").date(2026, 1, 2)), (2, "chair", [], None, __import__("datetime").date(2026, 1, 3))])
client.execute("SELECT * FROM orders WHERE item = 'lamp'")
client.execute("SELECT number, toString(number), (number, 'x'), toFixedString('ab', 4) FROM system.numbers LIMIT 2000")
client.execute("SELECT sum(id) FROM orders")
client.connection.ping()
for query in ["SELECT * FROM nothing WHERE secret = 'x'", "SELEC 1", "SELECT throwIf(1 = 1)"]:
    try:
        client.execute(query)
    except Error:
        pass
client.execute("SELECT 1")
client.disconnect()
PYTHON
