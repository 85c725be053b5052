/* Both ends of a TLS connection in one process, over TCP: says hello and ends, with or without tidying up.
 *
 *     pair LIBSSL tidy|leave MILLISECONDS MESSAGE
 *
 * The library is loaded when the process runs already. Without certificates: an anonymous cipher of TLS 1.2.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef void object;

#ifdef LINKED
#define FUNCTION(type, name) extern type name
#define LOAD(name)
#else
#define FUNCTION(type, name) static type(*name)
#define LOAD(name) name = dlsym(library, #name)
#endif

FUNCTION(object *, TLS_method)(void);
FUNCTION(object *, SSL_CTX_new)(object *);
FUNCTION(int, SSL_CTX_set_cipher_list)(object *, const char *);
FUNCTION(long, SSL_CTX_ctrl)(object *, int, long, void *);
FUNCTION(object *, SSL_new)(object *);
FUNCTION(int, SSL_set_fd)(object *, int);
FUNCTION(void, SSL_set_connect_state)(object *);
FUNCTION(void, SSL_set_accept_state)(object *);
FUNCTION(int, SSL_do_handshake)(object *);
FUNCTION(int, SSL_read)(object *, void *, int);
FUNCTION(int, SSL_write)(object *, const void *, int);
FUNCTION(int, SSL_shutdown)(object *);
FUNCTION(void, SSL_free)(object *);

enum { SET_MAX_PROTO_VERSION = 124, TLS_1_2 = 0x303 };

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void load(const char *path)
{
#ifndef LINKED
	object *library = dlopen(path, RTLD_NOW);

	if (!library)
		fail(dlerror());
	LOAD(TLS_method);
	LOAD(SSL_CTX_new);
	LOAD(SSL_CTX_set_cipher_list);
	LOAD(SSL_CTX_ctrl);
	LOAD(SSL_new);
	LOAD(SSL_set_fd);
	LOAD(SSL_set_connect_state);
	LOAD(SSL_set_accept_state);
	LOAD(SSL_do_handshake);
	LOAD(SSL_read);
	LOAD(SSL_write);
	LOAD(SSL_shutdown);
	LOAD(SSL_free);
#endif
	(void)path;
}

static void connect_pair(int ends[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (void *)&address, length) || listen(listener, 1) ||
	    getsockname(listener, (void *)&address, &length))
		fail("listen");
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(ends[0], (void *)&address, length))
		fail("connect");
	ends[1] = accept(listener, NULL, NULL);
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	close(listener);
}

int main(int count, char **arguments)
{
	object *context, *client, *server;
	int ends[2], is_done = 0;
	char text[256] = "";

	if (count != 5)
		fail("pair LIBSSL tidy|leave MILLISECONDS MESSAGE");
	load(arguments[1]);
	context = SSL_CTX_new(TLS_method());
	SSL_CTX_ctrl(context, SET_MAX_PROTO_VERSION, TLS_1_2, NULL);
	if (!SSL_CTX_set_cipher_list(context, "AECDH-AES128-SHA:@SECLEVEL=0"))
		fail("ciphers");
	connect_pair(ends);
	/* Whoever looks at processes finds the library by now. */
	usleep(atoi(arguments[3]) * 1000);
	client = SSL_new(context);
	server = SSL_new(context);
	SSL_set_fd(client, ends[0]);
	SSL_set_fd(server, ends[1]);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (int turn = 0; turn < 1000 && !is_done; turn++) {
		int one = SSL_do_handshake(client), other = SSL_do_handshake(server);

		is_done = one == 1 && other == 1;
	}
	if (!is_done)
		fail("handshake");
	SSL_write(client, arguments[4], strlen(arguments[4]));
	for (int turn = 0; turn < 1000 && !text[0]; turn++)
		SSL_read(server, text, sizeof(text) - 1);
	if (strcmp(text, arguments[4]))
		fail("another text");
	if (strcmp(arguments[2], "tidy"))
		_exit(0);
	SSL_shutdown(client);
	SSL_shutdown(server);
	SSL_free(client);
	SSL_free(server);
	return 0;
}
