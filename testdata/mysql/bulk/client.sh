# MariaDB's bulk execution: one message carries the arguments of five executions of one prepared statement. Driven
# through MariaDB's own C library.
# servers: mariadb
# clients: libmariadb3
/usr/bin/python3 - <<'PYTHON'
import ctypes, os

library = ctypes.CDLL("libmariadb.so.3")
for name in ["mysql_init", "mysql_real_connect", "mysql_stmt_init"]:
    getattr(library, name).restype = ctypes.c_void_p
pointer, text = ctypes.c_void_p, ctypes.c_char_p


class Bind(ctypes.Structure):
    """MYSQL_BIND of MariaDB Connector/C 3.3."""
    _fields_ = [("length", pointer), ("is_null", pointer), ("buffer", pointer), ("error", pointer),
                ("indicator", pointer), ("store", pointer), ("fetch", pointer), ("skip", pointer),
                ("buffer_length", ctypes.c_ulong), ("offset", ctypes.c_ulong), ("length_value", ctypes.c_ulong),
                ("flags", ctypes.c_uint), ("pack_length", ctypes.c_uint), ("buffer_type", ctypes.c_int),
                ("booleans", ctypes.c_byte * 4), ("extension", pointer)]


LONG, ARRAY_SIZE, COUNT = 3, 201, 5
db = pointer(library.mysql_init(None))
assert library.mysql_real_connect(db, text(os.environ["SERVER"].encode()), text(b"root"), None, text(b"shop"), 3306, None, 0)
statement = pointer(library.mysql_stmt_init(db))
sql = b"INSERT INTO product VALUES (?, 'bulk', ?)"
assert library.mysql_stmt_prepare(statement, text(sql), ctypes.c_ulong(len(sql))) == 0
columns = [(ctypes.c_int * COUNT)(*range(start, start + COUNT)) for start in (60, 1)]
binds = (Bind * 2)()
for bind, column in zip(binds, columns):
    bind.buffer, bind.buffer_type = ctypes.cast(column, pointer), LONG
assert library.mysql_stmt_attr_set(statement, ARRAY_SIZE, ctypes.byref(ctypes.c_uint(COUNT))) == 0
assert library.mysql_stmt_bind_param(statement, binds) == 0
assert library.mysql_stmt_execute(statement) == 0
library.mysql_stmt_close(statement)
sql = b"SELECT COUNT(*) FROM product"
assert library.mysql_real_query(db, text(sql), ctypes.c_ulong(len(sql))) == 0
library.mysql_close(db)
PYTHON
