# Named prepared statements: the same statement executed four times, prepared at the first, and so named in every
# execution though only the first carries its text.
# servers: postgresql
# clients: python3-psycopg libpq5
/usr/bin/python3 - <<'PYTHON'
import os, psycopg
options = "host=%s user=postgres dbname=shop sslmode=disable" % os.environ["SERVER"]
with psycopg.connect(options, autocommit=True) as db:
    for number in [1, 2, 3, 99]:
        db.execute("SELECT name, price FROM product WHERE id = %s", [number], prepare=True).fetchall()
    for number in [1, 2]:
        db.execute("UPDATE product SET price = %s WHERE id = %s", [number, number], prepare=True)
PYTHON
