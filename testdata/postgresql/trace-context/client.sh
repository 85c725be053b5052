# Statements that carry a traceparent in a comment, before and after the SQL.
# servers: postgresql
# clients: postgresql-client-15
psql -q -h "$SERVER" -U postgres "dbname=shop sslmode=disable" > /dev/null \
  -c "SELECT name FROM product WHERE id = 1 /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/" \
  -c "/*traceparent='00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01',application='shop'*/ SELECT 2"
