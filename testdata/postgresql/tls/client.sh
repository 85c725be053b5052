# The client asks for TLS and the server agrees: from there on nothing can be read, and nothing is invented.
# servers: postgresql
# clients: postgresql-client-15
psql -h "$SERVER" -U postgres "dbname=shop sslmode=require" -c "SELECT name FROM product" > /dev/null
