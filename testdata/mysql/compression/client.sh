# The compressed protocol, with packets small enough to be sent as they are and large ones that are not.
# servers: mariadb
# clients: mariadb-client
mariadb -h "$SERVER" -u root --skip-ssl --compress --force shop > /dev/null 2>&1 <<'SQL' || true
SELECT id, name FROM product WHERE name = 'lamp' OR name = 'chair' OR name = 'table' ORDER BY id;
SELECT REPEAT('a long and dull answer ', 1000);
SELECT * FROM nowhere;
SELECT 1;
SQL
