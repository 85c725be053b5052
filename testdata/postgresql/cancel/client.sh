# A statement that would take 10 s is cancelled after 200 ms by a cancel request on a connection of its own: it ends
# with 57014, and the connection is used again.
# servers: postgresql
# clients: python3-psycopg libpq5
/usr/bin/python3 - <<'PYTHON'
import os, psycopg
options = "host=%s user=postgres dbname=shop sslmode=disable" % os.environ["SERVER"]
import threading
with psycopg.connect(options, autocommit=True) as db:
    threading.Timer(0.2, db.cancel).start()
    try:
        db.execute("SELECT pg_sleep(10)")
    except psycopg.Error:
        pass
    db.execute("SELECT 'after'")
PYTHON
