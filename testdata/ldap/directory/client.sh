# Somebody logs in, looks for entries, changes, adds, compares, renames and deletes some, and asks who he is; a wrong password, a
# base that is not there and a change without the right to make it are refused.
# servers: slapd
# clients: ldap-utils slapd
A="-x -H ldap://$SERVER -D cn=admin,dc=df,dc=test -w secret"
ldapsearch $A -LLL -b dc=df,dc=test '(&(objectClass=person)(|(cn=A*)(sn>=H)))' cn > /dev/null
ldapsearch $A -b ou=nowhere,dc=df,dc=test > /dev/null 2>&1 || true
printf 'dn: cn=Alan,dc=df,dc=test\nchangetype: add\nobjectClass: person\ncn: Alan\nsn: Turing\n\ndn: cn=Alan,dc=df,dc=test\nchangetype: modify\nreplace: sn\nsn: T\n' | ldapmodify $A > /dev/null
ldapcompare $A cn=Alan,dc=df,dc=test sn:T > /dev/null || true
ldapmodrdn $A cn=Alan,dc=df,dc=test cn=Mathison > /dev/null
ldapdelete $A cn=Mathison,dc=df,dc=test
ldapwhoami $A > /dev/null
ldapwhoami -x -H "ldap://$SERVER" -D cn=admin,dc=df,dc=test -w wrong > /dev/null 2>&1 || true
printf 'dn: cn=Ada,dc=df,dc=test\nchangetype: modify\nreplace: sn\nsn: L\n' | ldapmodify -x -H "ldap://$SERVER" -D cn=Ada,dc=df,dc=test -w lovelace > /dev/null 2>&1 || true
