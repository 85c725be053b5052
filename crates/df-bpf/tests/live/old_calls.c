/* A 64-bit program that makes a system call of a 32-bit one on a socket: `read`, whose number is that of `close` otherwise. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static void lacking(int signal)
{
	(void)signal;
	_exit(77);
}

int main(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), server;
	long result;
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	signal(SIGSEGV, lacking);
	bind(listener, (struct sockaddr *)&address, length);
	listen(listener, 1);
	getsockname(listener, (struct sockaddr *)&address, &length);
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	connect(client, (struct sockaddr *)&address, length);
	server = accept(listener, NULL, NULL);
	send(client, "first", 5, 0);
	asm volatile("int $0x80" : "=a"(result) : "a"(3), "b"(server), "c"(low), "d"(5) : "memory", "r8", "r9", "r10", "r11");
	if (result != 5)
		return 77;
	send(server, "second", 6, 0);
	recv(client, low, 6, 0);
	close(server);
	close(client);
	return 0;
}
