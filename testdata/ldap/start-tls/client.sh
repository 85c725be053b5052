# The client asks for TLS and gets it: what follows is a handshake.
# servers: slapd
# clients: ldap-utils slapd
LDAPTLS_REQCERT=never ldapwhoami -x -ZZ -H "ldap://$SERVER" -D cn=admin,dc=df,dc=test -w secret > /dev/null
