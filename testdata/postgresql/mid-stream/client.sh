# A capture that begins on an old connection: start-up and the first query are missing.
# servers: postgresql
# clients: python3-psycopg libpq5
# lose: frame.number <= 9
/usr/bin/python3 - <<'PYTHON'
import os, psycopg
options = "host=%s user=postgres dbname=shop sslmode=disable" % os.environ["SERVER"]
with psycopg.connect(options, autocommit=True) as db:
    for statement in ["SELECT 'first'", "SELECT name FROM product WHERE id = 1", "SELECT * FROM nowhere", "SELECT 'last'"]:
        try:
            db.execute(statement)
        except psycopg.Error:
            pass
PYTHON
