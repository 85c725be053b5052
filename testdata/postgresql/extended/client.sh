# The extended protocol by psycopg: unnamed statements with arguments, in text and in binary, an error in one of them
# (22P02), and a query after it.
# servers: postgresql
# clients: python3-psycopg libpq5
/usr/bin/python3 - <<'PYTHON'
import os, psycopg
options = "host=%s user=postgres dbname=shop sslmode=disable" % os.environ["SERVER"]
with psycopg.connect(options, autocommit=True, prepare_threshold=None) as db:
    db.execute("SELECT name FROM product WHERE id = %s", [1]).fetchall()
    db.execute("SELECT name FROM product WHERE id = %b AND name = %t", [2, "chair"]).fetchall()
    db.execute("INSERT INTO product VALUES (%s, %s, %s)", [30, "desk", 120])
    try:
        db.execute("SELECT %s::int", ["no number"])
    except psycopg.Error:
        pass
    db.execute("DELETE FROM product WHERE id = %s", [30])
PYTHON
