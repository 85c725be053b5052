# Pipeline mode: statements written before any answer has come. Each is an exchange of its own. In the second pipeline
# the second statement fails (22012), the server skips the third, and goes on after the synchronisation.
# servers: postgresql
# clients: python3-psycopg libpq5
/usr/bin/python3 - <<'PYTHON'
import os, psycopg
options = "host=%s user=postgres dbname=shop sslmode=disable" % os.environ["SERVER"]
with psycopg.connect(options, autocommit=True) as db:
    with db.pipeline():
        for number in [1, 2, 3]:
            db.execute("SELECT name FROM product WHERE id = %s", [number])
    try:
        with db.pipeline():
            db.execute("SELECT 1 + %s", [1])
            db.execute("SELECT 1 / %s", [0])
            db.execute("SELECT 3 + %s", [1])
    except psycopg.Error:
        pass
    db.execute("SELECT 4")
PYTHON
