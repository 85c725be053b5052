# A capture that begins on an old connection: greeting, login and the first query are missing, and of the second query
# only the answer is there.
# servers: mariadb
# clients: python3-pymysql
# lose: frame.number <= 13
/usr/bin/python3 - <<'PYTHON'
import os, pymysql
db = pymysql.connect(host=os.environ["SERVER"], user="root", database="shop")
cursor = db.cursor()
for statement in ["SELECT 'first'", "SELECT name FROM product WHERE id = 1", "UPDATE product SET price = 3 WHERE id = 3",
                  "SELECT * FROM nowhere", "SELECT 'last'"]:
    try:
        cursor.execute(statement)
    except pymysql.MySQLError:
        pass
db.close()
PYTHON
