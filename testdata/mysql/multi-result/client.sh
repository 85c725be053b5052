# A stored procedure that answers with two results and a status, several statements in one query, and a query after.
# servers: mariadb
# clients: python3-pymysql
/usr/bin/python3 - <<'PYTHON'
import os, pymysql
from pymysql.constants import CLIENT
db = pymysql.connect(host=os.environ["SERVER"], user="root", database="shop", client_flag=CLIENT.MULTI_STATEMENTS)
cursor = db.cursor()
for statement in ["CALL report()", "SELECT 1; SELECT 2; UPDATE product SET price = 1 WHERE id = 99", "SELECT 3"]:
    cursor.execute(statement)
    while cursor.nextset():
        pass
db.close()
PYTHON
