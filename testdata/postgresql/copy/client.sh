# COPY into a table and out of it, a COPY that fails half-way (22P02), and a query after.
# servers: postgresql
# clients: postgresql-client-15
psql -q -h "$SERVER" -U postgres "dbname=shop sslmode=disable" > /dev/null 2>&1 <<'SQL'
COPY product FROM STDIN;
40	shelf	30.00
41	rug	80.00
\.
COPY (SELECT * FROM product ORDER BY id) TO STDOUT;
COPY product FROM STDIN;
42	mat	5.00
x	bad	6.00
\.
SELECT count(*) FROM product;
SQL
