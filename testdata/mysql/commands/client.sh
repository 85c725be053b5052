# Commands other than queries: ping, choosing a database, transactions, statistics, and queries between them;
# the statement that sleeps 150 ms has that duration.
# servers: mariadb
# clients: python3-pymysql
/usr/bin/python3 - <<'PYTHON'
import os, pymysql
from pymysql.constants import COMMAND
db = pymysql.connect(host=os.environ["SERVER"], user="root", database="shop")
cursor = db.cursor()
cursor.execute("SELECT SLEEP(0.15)")
db.ping()
db.select_db("mysql")
db.begin()
cursor.execute("SELECT COUNT(*) FROM shop.product")
db.commit()
db._execute_command(COMMAND.COM_STATISTICS, "")
db._read_packet()
db.close()
PYTHON
